// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICommittee} from "../interfaces/ICommittee.sol";
import {INetProofs} from "../interfaces/INetProofs.sol";
import {IOversight} from "../interfaces/IOversight.sol";
import {IRemedies} from "../interfaces/IRemedies.sol";
import {Fault} from "../interfaces/ITypes.sol";
import {Witnesses} from "./Witnesses.sol";

/// @title WrongNets
/// @notice What members answer for who attested a net batch that is wrong.
/// @dev In net mode members move money by their word, at most as much as their bonds are worth until it matures. What a
/// record misdirected goes back where it came from: out of the provider's earnings while they are there, and out of the
/// members' bonds else. What one record costs the members is at least what it misdirected, so trying does not pay, and
/// little more, so that their bonds last for every buyer.
/// @custom:invariant of one batch no buyer is given back more than its net, and from no provider taken back more than
/// its own
abstract contract WrongNets is Witnesses {
    uint256 private constant STAKE_UNIT = 1e18;
    /// @dev The vault keeps a tenth of every slash from the victim: nine eighths leave it all, and burn something even
    /// where members, provider and reporter are one.
    uint256 private constant MARKUP = 9;
    uint256 private constant MARKUP_OF = 8;
    /// @dev Of a fault that harms nobody by itself.
    uint16 private constant HARMLESS_BPS = 1000;
    uint32 private constant PROOF_GAS = 500_000;

    /// @inheritdoc IOversight
    INetProofs public immutable NET_PROOFS;

    /// @dev What was given back of a batch for a record, to a buyer, or from a provider.
    mapping(bytes32 what => uint256 amount) private _righted;

    constructor(INetProofs netProofs) {
        NET_PROOFS = netProofs;
    }

    /// @inheritdoc IOversight
    function proveWrongNet(bytes calldata proof, address buyer, bytes calldata attestation) external {
        (bytes32 root, INetProofs.Harm memory harm) = _shown(proof);
        address[] memory signers = _attesting(attestation, root);
        if (harm.record == 0 || harm.amount == 0) _punish(root, signers);
        else _right(root, harm, buyer, signers);
        SETTLEMENT.refreshBonds();
    }

    /// @dev A fault of the batch as a whole: once for each member.
    function _punish(bytes32 root, address[] memory signers) private {
        Matter memory matter = _matterOf(keccak256(abi.encode(root, 0, 0)));
        matter.bondBps = HARMLESS_BPS;
        require(_slashAll(matter, signers) != 0, OversightPunished(root));
    }

    /// @dev A fault of one record: once for all members. Another fault of it counts for what it adds.
    function _right(bytes32 root, INetProofs.Harm memory harm, address buyer, address[] memory signers) private {
        _requireBuyer(buyer, harm.buyer);
        uint256 wrong = _upTo(keccak256(abi.encode(root, harm.record)), harm.amount, harm.amount);
        require(wrong != 0, OversightPunished(root));
        uint256 amount = _upTo(keccak256(abi.encode(root, "buyer", harm.buyer)), wrong, harm.paid);
        uint256 returned = 0;
        if (harm.provider != 0) {
            uint256 most = _upTo(keccak256(abi.encode(root, "provider", harm.provider)), amount, harm.received);
            returned = _returned(harm, buyer, most);
        }
        emit NetRighted(root, buyer, uint64(returned), uint64(amount - returned));
        Matter memory matter = _matterOf(keccak256(abi.encode(root, harm.record, harm.amount)));
        matter.victim = buyer;
        _charge(matter, signers, wrong, amount - returned);
    }

    /// @dev Nothing comes back of money that has matured.
    function _returned(INetProofs.Harm memory harm, address buyer, uint256 most) private returns (uint256) {
        if (most == 0) return 0;
        try _REMEDIES.returnNetted(harm.provider, buyer, uint64(most), harm.time) returns (uint64 returned) {
            return returned;
        } catch (bytes memory reason) {
            // no other failure, running out of gas among them, is to pass for that
            if (bytes4(reason) != IRemedies.RemediesMatured.selector) _bubble(reason);
            return 0;
        }
    }

    /// @dev Each member pays by its bond, rounded up: what one lacks the others need not have.
    /// @param wrong What members misdirected, settlement token base units.
    /// @param missing What of it did not come back.
    function _charge(Matter memory matter, address[] memory signers, uint256 wrong, uint256 missing) private {
        (uint256[] memory bonds, uint256 total) = _bondsOf(signers);
        if (total == 0) return;
        (wrong, missing) = (_inStakeUp(wrong), _inStakeUp(missing));
        matter.proofGas = uint32(PROOF_GAS / signers.length); // the least of all of them together
        for (uint256 i = 0; i < signers.length; ++i) {
            uint256 restitution = Math.ceilDiv(missing * bonds[i], total);
            uint256 asked = Math.max(
                Math.ceilDiv(restitution * MARKUP, MARKUP_OF),
                Math.ceilDiv(wrong * bonds[i], total)
            );
            matter.restitution = uint96(Math.min(restitution, type(uint96).max));
            matter.asked = uint96(Math.min(asked, type(uint96).max));
            _slashOne(matter, signers[i]);
        }
    }

    /// @return amount As much of `wanted` as `most` leaves, which is then taken.
    function _upTo(bytes32 what, uint256 wanted, uint256 most) private returns (uint256 amount) {
        uint256 used = _righted[what];
        amount = Math.min(wanted, Math.saturatingSub(most, used));
        _righted[what] = used + amount;
    }

    /// @dev Calls the proof as it is. Functions that prove nothing answer otherwise than this decodes, or with no root
    /// that members signed.
    function _shown(bytes calldata proof) private view returns (bytes32 root, INetProofs.Harm memory harm) {
        require(proof.length >= 4 && _isProof(bytes4(proof)), OversightNotANetProof(bytes4(proof)));
        (bool holds, bytes memory result) = address(NET_PROOFS).staticcall(proof);
        if (!holds) _bubble(result);
        (root, , harm) = abi.decode(result, (bytes32, INetProofs.Fault, INetProofs.Harm));
    }

    /// @dev Enough members to settle it: who shows one of them only lets the others off.
    function _attesting(bytes calldata attestation, bytes32 root) private view returns (address[] memory signers) {
        (signers, ) = _signersOf(attestation, root);
        uint256 threshold = ICommittee(_COMMITTEE).thresholdOf(uint32(bytes4(attestation)));
        require(signers.length >= threshold, ICommittee.CommitteeBelowThreshold(signers.length, threshold));
    }

    function _bondsOf(address[] memory signers) private view returns (uint256[] memory bonds, uint256 total) {
        bonds = new uint256[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            bonds[i] = _partOf(signers[i], BPS);
            total += bonds[i];
        }
    }

    /// @dev Whoever never had a netted deal has no index, which reads like the first one's.
    function _requireBuyer(address buyer, uint256 index) private view {
        (uint32 number, uint32 deals, , uint64 netted) = SETTLEMENT.netBuyer(buyer);
        bool known = number != 0 || deals != 0 || netted != 0;
        require(known && number == index, OversightOtherBuyer(buyer));
    }

    function _inStakeUp(uint256 amount) private view returns (uint256) {
        return Math.ceilDiv(amount * STAKE_UNIT, SETTLEMENT.parameters().stakeValue);
    }

    function _bubble(bytes memory reason) private pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    function _matterOf(bytes32 subject) private pure returns (Matter memory matter) {
        matter.fault = Fault.WrongNet;
        matter.proofGas = PROOF_GAS;
        (matter.subject, matter.evidence) = (subject, subject);
    }

    function _isProof(bytes4 selector) private pure returns (bool) {
        return
            selector == INetProofs.proveMalformed.selector ||
            selector == INetProofs.proveStep.selector ||
            selector == INetProofs.proveNet.selector ||
            selector == INetProofs.proveNoRecord.selector ||
            selector == INetProofs.proveGroup.selector ||
            selector == INetProofs.proveState.selector ||
            selector == INetProofs.proveLink.selector ||
            selector == INetProofs.proveDeal.selector ||
            selector == INetProofs.proveRoot.selector ||
            selector == INetProofs.proveReceipts.selector;
    }
}
