// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOpenings} from "../interfaces/IOpenings.sol";
import {IOversight} from "../interfaces/IOversight.sol";
import {IRemedies} from "../interfaces/IRemedies.sol";
import {Fault, Outcome} from "../interfaces/ITypes.sol";
import {EvidenceLib} from "../libraries/EvidenceLib.sol";
import {Witnesses} from "./Witnesses.sol";

/// @title Voidings
/// @notice Finds where the units of a fault were settled, and has them voided.
/// @dev Streams only move forward, so all that was settled of a stream after a group is younger than it: one opened
/// group, that of the fault's first receipt, says what to keep and that none of the rest is older.
abstract contract Voidings is Witnesses {
    uint256 private constant RECEIPT = 35;

    /// @inheritdoc IOversight
    function voidFrom(
        uint32 id,
        Refutation calldata refutation,
        bytes calldata place,
        bytes calldata receipts,
        bool recorded
    ) external returns (uint64 amount) {
        bytes32 segment = receipts.length == 32 ? bytes32(receipts) : keccak256(receipts);
        IOpenings.SettledGroup memory group =
            recorded ? OPENINGS.proveRecord(place, segment) : OPENINGS.proveGroup(place, segment);
        _requireCase(refutation, group.dealKey, group.stream);
        require(group.outcome <= Outcome.Clamped && refutation.index < group.count, OversightOtherGroup(segment));
        uint40 keep = group.unitsBefore;
        if (refutation.index > group.cursor) keep += _unitsTo(group, receipts, refutation.index);
        amount = _void(id, group, keep, recorded);
    }

    /// @notice Voids a group of a batch, and all that was settled of its stream after it.
    /// @return amount Nothing where its money has matured.
    function _voidWhole(uint32 id, IOpenings.SettledGroup memory group) internal returns (uint64 amount) {
        require(group.outcome <= Outcome.Clamped, OversightOtherGroup(group.segment));
        uint40 keep = group.unitsBefore;
        try _REMEDIES.voidUnits(id, group.dealKey, group.stream, keep, group.time, 0) returns (uint64 voided) {
            emit VoidedFrom(id, group.stream, keep, voided);
            return voided;
        } catch (bytes memory reason) {
            _requireMatured(reason);
            return 0;
        }
    }

    /// @notice Reverts unless this case of this stream stands and its evidence is as said.
    function _requireCase(Refutation calldata refutation, bytes32 dealKey, uint256 stream) internal view {
        bytes32 subject = keccak256(abi.encode(dealKey, stream, refutation.fault));
        bytes32 evidence = EvidenceLib.evidenceOf(refutation.index, refutation.detail);
        bool holds =
            refutation.facts.subject == subject &&
                refutation.facts.evidence == evidence &&
                refutation.fault <= Fault.Minority &&
                refutation.fault != Fault.NoShow &&
                _VAULT.stands(refutation.facts);
        require(holds, OversightNoSuchCase(refutation.facts.subject));
    }

    /// @dev Forced money matures later than the settlement assumes of a stream: where that has passed, the group may be
    /// voided by itself if nothing was settled after it.
    function _void(
        uint32 id,
        IOpenings.SettledGroup memory group,
        uint40 keep,
        bool recorded
    ) private returns (uint64 amount) {
        (bytes32 key, uint8 stream) = (group.dealKey, group.stream);
        if (!recorded) amount = _REMEDIES.voidUnits(id, key, stream, keep, group.time, 0);
        else {
            try _REMEDIES.voidUnits(id, key, stream, keep, group.time, 0) returns (uint64 voided) {
                amount = voided;
            } catch (bytes memory reason) {
                _requireMatured(reason);
                amount = _REMEDIES.voidForced(id, key, stream, keep, group.time, group.units, 0);
            }
        }
        emit VoidedFrom(id, stream, keep, amount);
    }

    /// @dev No other failure, running out of gas among them, is to pass for that.
    function _requireMatured(bytes memory reason) private pure {
        require(bytes4(reason) == IRemedies.RemediesMatured.selector, OversightNotVoided(reason));
    }

    /// @dev Units of the group's receipts from its stream's cursor to `index`.
    function _unitsTo(
        IOpenings.SettledGroup memory group,
        bytes calldata receipts,
        uint256 index
    ) private pure returns (uint40 units) {
        require(receipts.length == RECEIPT * (group.count - group.first), OversightOtherReceipts());
        for (uint256 i = group.cursor - group.first; i < index - group.first; ++i) {
            units += uint24(bytes3(receipts[RECEIPT * i:RECEIPT * i + 3]));
        }
    }
}
