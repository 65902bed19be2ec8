// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOpenings} from "../interfaces/IOpenings.sol";
import {IOversight} from "../interfaces/IOversight.sol";
import {Fault} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {Terms} from "../types/Terms.sol";
import {Witnesses} from "./Witnesses.sol";

/// @title Promises
/// @notice Members' promises to settle a group in time.
/// @dev That no batch contained a group cannot be shown. That it stands in its stream's own record with a later time
/// can: the provider's side had to settle it itself. A batch that contained it and skipped it is the member's answer.
abstract contract Promises is Witnesses {
    /// @dev The ring keeps a batch for 128 hours. A member has the vault's 72 to open one, and may have promised a day
    /// ahead: what remains, less some hours for slack, is how late a promise can be held against it.
    uint256 private constant LATE = 1 days;
    /// @dev Being late is worth little: a forced group settles in the end, and its window is two days longer.
    uint16 private constant BOND_BPS = 100;
    uint32 private constant PROOF_GAS = 140_000;

    /// @inheritdoc IOversight
    function proveBroken(SignedPromise calldata promised, bytes calldata place, bytes32 segment) external {
        IOpenings.SettledGroup memory group = OPENINGS.proveRecord(place, segment);
        uint256 before = promised.before;
        require(
            group.time > before && SETTLEMENT.clock() <= before + LATE,
            OversightPromiseKept(group.time, promised.before)
        );
        bytes32 tally = _tallyOf(group);
        bytes32 promiseHash = MessageLib.promiseHash(tally, before);
        address signer = SignatureLib.recover(_digest(promiseHash), promised.signature);
        require(_isMember(_membersOf(promised.epoch), promised.member, signer), OversightNotSigned(0));
        Matter memory matter = Matter({
            fault: Fault.BrokenPromise,
            proofGas: PROOF_GAS,
            bondBps: BOND_BPS,
            asked: 0,
            restitution: type(uint96).max, // the vault lets a victim have nine tenths
            victim: _ownerOf(place, group.dealKey),
            subject: tally,
            evidence: promiseHash
        });
        require(_slashOne(matter, signer), OversightPunished(tally));
    }

    /// @inheritdoc IOversight
    function discharge(IVault.Case calldata facts, uint32 before, bytes calldata place, bytes32 segment) external {
        IOpenings.SettledGroup memory group = OPENINGS.proveGroup(place, segment);
        require(group.time <= before, OversightPromiseKept(group.time, before));
        bytes32 tally = _tallyOf(group);
        bytes32 evidence = keccak256(abi.encode(MessageLib.promiseHash(tally, before), facts.signer));
        require(
            facts.subject == _subjectOf(tally, Fault.BrokenPromise, facts.signer) && facts.evidence == evidence,
            OversightNoSuchCase(facts.subject)
        );
        _VAULT.discharge(facts);
    }

    /// @dev Whoever had to force: the deal's provider.
    function _ownerOf(bytes calldata place, bytes32 dealKey) private view returns (address) {
        uint32 id = uint32(bytes4(place[:4]));
        (bytes32 key, uint256 terms, , ) = SETTLEMENT.netDeal(id);
        require(key == dealKey, OversightNoSuchDeal(id));
        return _REGISTRY.payoutOf(uint32(Terms.wrap(terms).provider()));
    }

    function _tallyOf(IOpenings.SettledGroup memory group) private pure returns (bytes32) {
        return MessageLib.tallyHash(group.dealKey, group.stream, group.first, group.count, group.units, group.segment);
    }
}
