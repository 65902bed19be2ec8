// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title BatchLib
/// @notice Reads a batch's bytes where they are, in calldata. Positions are absolute calldata offsets.
/// @dev `reference/ReferenceBatchLib.sol` says the same plainly; both are run against each other.
library BatchLib {
    /// @notice Bytes of a group's head: stream number (5) ‖ place (4) ‖ worker (5) ‖ first (3) ‖ count - first (2) ‖
    /// units so far (5).
    uint256 internal constant HEAD = 24;
    /// @notice Bytes of a receipt: units (3) ‖ work hash (32).
    uint256 internal constant RECEIPT = 35;
    /// @notice What {sum} returns for bytes that are no receipts: above every limit.
    uint256 internal constant MALFORMED = type(uint256).max;

    /// @notice The 32 bytes at `offset`.
    function word(uint256 offset) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := calldataload(offset)
        }
    }

    /// @notice Whether a group cannot begin like this: its stream number is below `next` or above 38 bits, it has no
    /// receipts, or more than a stream can count.
    function isBadHead(uint256 head, uint256 next) internal pure returns (bool result) {
        assembly ("memory-safe") {
            let stream := shr(216, head)
            let added := and(shr(104, head), 0xffff)
            let count := add(and(shr(120, head), 0xffffff), added)
            result := gt(or(or(lt(stream, next), shr(38, stream)), or(iszero(added), shr(24, count))), 0)
        }
    }

    /// @notice Whether a group does not continue its stream: `first` <= `cursor` < count, and its index < `streams`.
    function isOff(uint256 head, uint256 first, uint256 cursor, uint256 streams) internal pure returns (bool result) {
        assembly ("memory-safe") {
            let count := add(first, and(shr(104, head), 0xffff))
            result := or(gt(first, cursor), iszero(and(gt(count, cursor), lt(and(shr(216, head), 63), streams))))
        }
    }

    /// @notice Units of the `count` receipts from `offset` on. The caller has made sure that so many can be there.
    /// @return units Below count * 2^24; or MALFORMED if a receipt has none.
    function sum(uint256 offset, uint256 count) internal pure returns (uint256 units) {
        // Memory is not touched.
        assembly ("memory-safe") {
            let empty := 0
            for {
                let end := add(offset, mul(count, 35))
            } lt(offset, end) {
                offset := add(offset, 35)
            } {
                let value := shr(232, calldataload(offset))
                empty := or(empty, iszero(value))
                units := add(units, value)
            }
            if empty {
                units := not(0)
            }
        }
    }

    /// @notice Hashes `size` bytes of calldata.
    function hash(uint256 offset, uint256 size) internal pure returns (bytes32 result) {
        // Scratch: from the free memory pointer on, not reserved, so that hashing again costs no new memory.
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            calldatacopy(scratch, offset, size)
            result := keccak256(scratch, size)
        }
    }
}
