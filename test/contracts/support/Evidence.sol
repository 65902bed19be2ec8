// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CourtHandler} from "./CourtHandler.sol";

/// @notice What a worker signed wrongly, packed as proofs take it. See {EvidenceLib}.
abstract contract Evidence is CourtHandler {
    /// @dev Two tallies of one place with different receipts, by rising hash.
    function _conflict(
        bytes32 key,
        uint8 stream,
        Hand memory hand,
        bytes memory one,
        bytes memory other
    ) internal view returns (bytes memory) {
        bool rises = _hashOf(key, stream, 0, 1, UNITS, one) < _hashOf(key, stream, 0, 1, UNITS, other);
        bytes memory a = _tallyOf(key, stream, 0, 1, UNITS, hand, one);
        bytes memory b = _tallyOf(key, stream, 0, 1, UNITS, hand, other);
        return rises ? abi.encodePacked(a, b) : abi.encodePacked(b, a);
    }

    /// @dev One tally of two receipts of the same task, shown twice.
    function _twice(
        uint32 id,
        bytes32 key,
        uint8 stream,
        Hand memory hand,
        uint256 salt
    ) internal view returns (bytes memory) {
        bytes32 task = keccak256(abi.encode("task", salt));
        bytes32 output = keccak256(abi.encode("output", salt));
        bytes32 work = keccak256(abi.encode(task, output, uint64(0), uint64(0)));
        bytes memory receipts = abi.encodePacked(uint24(1), work, uint24(1), work);
        bytes memory head = abi.encodePacked(id, stream, _headOf(key, stream, 0, 2, 2, hand, receipts));
        bytes memory tail = abi.encodePacked(task, output, uint64(0), uint64(0), receipts);
        return abi.encodePacked(head, uint24(0), tail, head, uint24(1), tail);
    }

    /// @dev `first (3) ‖ count (3) ‖ units (5) ‖ worker (5) ‖ signature (64) ‖ segment (32)`.
    function _tallyOf(
        bytes32 key,
        uint8 stream,
        uint24 first,
        uint24 count,
        uint40 units,
        Hand memory hand,
        bytes memory receipts
    ) internal view returns (bytes memory) {
        return abi.encodePacked(_headOf(key, stream, first, count, units, hand, receipts), keccak256(receipts));
    }

    function _headOf(
        bytes32 key,
        uint8 stream,
        uint24 first,
        uint24 count,
        uint40 units,
        Hand memory hand,
        bytes memory receipts
    ) private view returns (bytes memory) {
        bytes memory signature = _signCompact(hand.key, _digest(_hashOf(key, stream, first, count, units, receipts)));
        return abi.encodePacked(first, count, units, hand.index, signature);
    }

    function _hashOf(
        bytes32 key,
        uint8 stream,
        uint256 first,
        uint256 count,
        uint256 units,
        bytes memory receipts
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(TALLY_TYPEHASH, key, stream, first, count, units, keccak256(receipts)));
    }
}
