// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOpenings} from "../interfaces/IOpenings.sol";
import {IOversight} from "../interfaces/IOversight.sol";
import {Fault, Outcome} from "../interfaces/ITypes.sol";
import {PlaceLib} from "../libraries/PlaceLib.sol";
import {RootPlaceLib} from "../libraries/RootPlaceLib.sol";
import {Voidings} from "./Voidings.sol";

/// @title Vouchers
/// @notice Faults of members who vouched for what is not so: of batches in calldata and blobs.
abstract contract Vouchers is Voidings {
    /// @dev Claims of an attestation, see docs/protocol.md.
    uint256 private constant ORDERS = 1;
    uint256 private constant REEXECUTED = 2;
    uint256 private constant AGREED = 4;
    uint256 private constant RETRIEVABLE = 8;
    /// @dev Every member can check blobs by itself, and all run the same program: one bug must not end them all.
    uint16 private constant VOID_BPS = 1000;
    /// @dev Nothing but the key's own will brings two signatures about.
    uint16 private constant CONFLICT_BPS = 10_000;
    uint32 private constant VOID_GAS = 700_000;
    uint32 private constant REFUTED_GAS = 110_000;
    uint32 private constant CONFLICT_GAS = 160_000;
    uint256 private constant RECEIPT = 35;
    uint256 private constant UNITS = 3;
    /// @dev Bytes of what a case's `detail` is the hash of, see {IOversight-proveBadAttestation}.
    uint256 private constant CLAIM = 13 * 32;
    /// @dev {IDemands-Ask}.
    uint256 private constant OUTPUT = 1;

    /// @inheritdoc IOversight
    function proveVoid(
        uint32 id,
        bytes calldata place,
        bytes32 segment,
        IOpenings.BlobOpening calldata opening,
        bytes calldata attestation
    ) external returns (uint64 amount) {
        (IOpenings.SettledGroup memory group, ) = OPENINGS.proveVoid(place, segment, opening);
        amount = _voidWhole(id, group);
        if (attestation.length == 0) return amount;
        (address[] memory signers, ) = _signersOf(attestation, group.root);
        Matter memory matter = Matter({
            fault: Fault.VoidBlob,
            proofGas: VOID_GAS,
            bondBps: VOID_BPS,
            asked: 0,
            restitution: 0, // the buyer has everything back
            victim: address(0),
            subject: group.root,
            evidence: keccak256(abi.encode(group.root, group.dealKey, group.stream, group.count))
        });
        uint256 slashed = _slashAll(matter, signers);
        require(slashed != 0 || amount != 0, OversightPunished(group.root));
        SETTLEMENT.refreshBonds();
    }

    /// @inheritdoc IOversight
    /// @dev Each signer answers for as much as the provider did: whoever gets a provider refuted to harm members, by an
    /// arbiter or silence, pays the like.
    function proveBadAttestation(
        Refutation calldata refutation,
        bytes calldata place,
        bytes calldata receipts,
        bytes calldata opening,
        bytes calldata attestation
    ) external {
        bytes32 root =
            refutation.fault == Fault.Minority
                ? _rootOfSettled(refutation, place, receipts)
                : _rootOfSigned(refutation, place, receipts, opening);
        (address[] memory signers, uint256 claims) = _signersOf(attestation, root);
        Fault fault = refutation.fault;
        require(_isClaimed(fault, claims), OversightNotClaimed(fault, uint8(claims)));
        Matter memory matter = Matter({
            fault: Fault.BadAttestation,
            proofGas: REFUTED_GAS,
            bondBps: 0,
            asked: refutation.facts.own + refutation.facts.delegated,
            restitution: 0, // the provider's case sees to the buyer
            victim: address(0),
            subject: refutation.facts.subject,
            evidence: keccak256(abi.encode(refutation.facts.subject, root))
        });
        require(_slashAll(matter, signers) != 0, OversightPunished(root));
    }

    /// @inheritdoc IOversight
    function proveConflict(
        bytes[2] calldata places,
        bytes[2] calldata attestations,
        bytes[2] calldata receipts
    ) external {
        RootPlaceLib.Leaf memory one = RootPlaceLib.read(places[0]);
        RootPlaceLib.Leaf memory other = RootPlaceLib.read(places[1]);
        // by rising hash, so that a copy of the proof is the same evidence
        require(one.hash < other.hash && _isConflict(one, other, receipts), OversightNoConflict());
        (address[] memory signers, ) = _signersOf(attestations[0], one.root);
        (address[] memory others, ) = _signersOf(attestations[1], other.root);
        require(signers.length == 1 && others.length == 1 && signers[0] == others[0], OversightNotSigned(1));
        Matter memory matter = Matter({
            fault: Fault.ConflictingAttestation,
            proofGas: CONFLICT_GAS,
            bondBps: CONFLICT_BPS,
            asked: 0,
            restitution: 0, // no money moves by it
            victim: address(0),
            subject: keccak256(abi.encode(one.tally.dealKey, one.tally.stream)),
            evidence: keccak256(abi.encode(one.hash, other.hash))
        });
        require(_slashOne(matter, signers[0]), OversightPunished(one.root));
        SETTLEMENT.refreshBonds();
    }

    /// @dev Panels judge settled receipts only, of which a stream has one in each place: the group that paid for it.
    function _rootOfSettled(
        Refutation calldata refutation,
        bytes calldata place,
        bytes calldata segment
    ) private view returns (bytes32) {
        IOpenings.SettledGroup memory group = OPENINGS.proveGroup(place, bytes32(segment));
        _requireCase(refutation, group.dealKey, group.stream);
        uint256 index = refutation.index;
        bool paid = group.outcome <= Outcome.Clamped && index >= group.cursor && index < group.count;
        require(paid, OversightOtherGroup(group.segment));
        return group.root;
    }

    function _rootOfSigned(
        Refutation calldata refutation,
        bytes calldata place,
        bytes calldata receipts,
        bytes calldata opening
    ) private view returns (bytes32) {
        RootPlaceLib.Leaf memory leaf = RootPlaceLib.read(place);
        _requireCase(refutation, leaf.tally.dealKey, leaf.tally.stream);
        _requireHolds(leaf, refutation, receipts, opening);
        return leaf.root;
    }

    /// @dev The group is the very tally that was refuted, or holds the refuted receipt in its place.
    function _requireHolds(
        RootPlaceLib.Leaf memory leaf,
        Refutation calldata refutation,
        bytes calldata receipts,
        bytes calldata opening
    ) private pure {
        uint256 index = refutation.index;
        bool holds = index >= leaf.tally.first && index < leaf.tally.count;
        if (receipts.length == 0) holds = holds && leaf.hash == refutation.detail;
        else if (holds) {
            _requireReceipts(leaf, receipts);
            uint256 offset = RECEIPT * (index - leaf.tally.first);
            (uint256 units, bytes32 work) = (
                uint24(bytes3(receipts[offset:offset + UNITS])),
                bytes32(receipts[offset + UNITS:offset + RECEIPT])
            );
            holds =
                opening.length == CLAIM
                    ? _isClaim(opening, refutation.detail, units, work)
                    : refutation.detail == _demandOf(leaf.tally, refutation, opening, work);
        }
        require(holds, OversightOtherGroup(leaf.hash));
    }

    /// @dev A claim names the units, too.
    function _isClaim(bytes calldata opening, bytes32 detail, uint256 units, bytes32 work) private pure returns (bool) {
        return keccak256(opening) == detail && _hasWord(opening, 7, uint256(work)) && _hasWord(opening, 4, units);
    }

    /// @dev What names a demand for the receipt's order, or for a chunk of its output. Units have no part in it.
    function _demandOf(
        PlaceLib.Tally memory tally,
        Refutation calldata refutation,
        bytes calldata chunk,
        bytes32 work
    ) private pure returns (bytes32) {
        uint256 ask = refutation.fault == Fault.Withheld ? OUTPUT : 0;
        return
            keccak256(
                abi.encode(ask, tally.dealKey, tally.stream, uint256(refutation.index), work, uint32(bytes4(chunk)))
            );
    }

    function _hasWord(bytes calldata opening, uint256 position, uint256 value) private pure returns (bool) {
        return uint256(bytes32(opening[32 * position:32 * position + 32])) == value;
    }

    function _isClaimed(Fault fault, uint256 claims) private pure returns (bool) {
        if (fault == Fault.Unordered) return claims & ORDERS != 0;
        if (fault == Fault.WrongResult) return claims & REEXECUTED != 0;
        if (fault == Fault.Minority) return claims & AGREED != 0;
        return fault == Fault.Withheld && claims & RETRIEVABLE != 0;
    }

    /// @dev Whether no one history of the stream has both.
    function _isConflict(
        RootPlaceLib.Leaf memory one,
        RootPlaceLib.Leaf memory other,
        bytes[2] calldata receipts
    ) private pure returns (bool) {
        bool sameStream = one.tally.dealKey == other.tally.dealKey && one.tally.stream == other.tally.stream;
        if (!sameStream) return false;
        if (receipts[0].length != 0) return _isOverlapWrong(one, other, receipts);
        (uint256 count, uint256 units) = (one.tally.count, one.tally.units);
        if (count == other.tally.count) {
            return units != other.tally.units || (one.tally.first == other.tally.first && one.segment != other.segment);
        }
        return count > other.tally.count ? units < other.tally.units : units > other.tally.units;
    }

    /// @dev Whether the receipts that both have differ.
    function _isOverlapWrong(
        RootPlaceLib.Leaf memory one,
        RootPlaceLib.Leaf memory other,
        bytes[2] calldata receipts
    ) private pure returns (bool) {
        _requireReceipts(one, receipts[0]);
        _requireReceipts(other, receipts[1]);
        uint256 from = one.tally.first > other.tally.first ? one.tally.first : other.tally.first;
        uint256 to = one.tally.count < other.tally.count ? one.tally.count : other.tally.count;
        if (from >= to) return false;
        return
            _slice(receipts[0], from - one.tally.first, to - one.tally.first) !=
            _slice(receipts[1], from - other.tally.first, to - other.tally.first);
    }

    function _requireReceipts(RootPlaceLib.Leaf memory leaf, bytes calldata receipts) private pure {
        bool whole =
            leaf.tally.count > leaf.tally.first &&
                receipts.length == RECEIPT * (leaf.tally.count - leaf.tally.first) &&
                keccak256(receipts) == leaf.segment;
        require(whole, OversightOtherReceipts());
    }

    function _slice(bytes calldata receipts, uint256 from, uint256 to) private pure returns (bytes32) {
        return keccak256(receipts[RECEIPT * from:RECEIPT * to]);
    }
}
