// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title BatchLib
/// @notice Reads a batch's bytes where they are, in calldata. Positions are absolute calldata offsets.
/// @dev `reference/ReferenceBatchLib.sol` says the same plainly; both are run against each other.
library BatchLib {
    /// @notice Size that {scan} returns for bytes that are no receipts.
    uint256 internal constant MALFORMED = type(uint256).max;

    /// @notice Reads a canonical LEB128 number of at most 7 bytes.
    /// @return value The number.
    /// @return size Bytes it takes; 0 if it is not canonical or longer.
    function varint(uint256 offset) internal pure returns (uint256 value, uint256 size) {
        // Memory is not touched. The word at `offset` holds every byte that can belong to the number.
        assembly ("memory-safe") {
            let word := calldataload(offset)
            value := byte(0, word)
            size := 1
            if gt(value, 127) {
                value := and(value, 127)
                for {
                    let shift := 7
                } 1 {
                    shift := add(shift, 7)
                } {
                    let digit := byte(size, word)
                    size := add(size, 1)
                    value := or(value, shl(shift, and(digit, 127)))
                    if lt(digit, 128) {
                        if iszero(digit) {
                            size := 0
                        }
                        break
                    }
                    if eq(size, 7) {
                        size := 0
                        break
                    }
                }
            }
        }
    }

    /// @notice Measures `count` receipts from `offset` on.
    /// @return size Bytes they take, or MALFORMED.
    /// @return units Sum of their units; below count * 2^48.
    function scan(uint256 offset, uint256 count) internal pure returns (uint256 size, uint256 units) {
        // Memory is not touched. Past the end of calldata every word is zero, and zero units are malformed, so
        // the loop ends there whatever `count` says. 33 = one byte of units and the work hash.
        assembly ("memory-safe") {
            for {} count {
                count := sub(count, 1)
            } {
                let word := calldataload(add(offset, size))
                let value := byte(0, word)
                if iszero(value) {
                    size := not(0)
                    break
                }
                size := add(size, 33)
                if gt(value, 127) {
                    value := and(value, 127)
                    let used := 1
                    for {
                        let shift := 7
                    } 1 {
                        shift := add(shift, 7)
                    } {
                        let digit := byte(used, word)
                        used := add(used, 1)
                        value := or(value, shl(shift, and(digit, 127)))
                        if lt(digit, 128) {
                            if iszero(digit) {
                                used := 8
                            }
                            break
                        }
                        if eq(used, 7) {
                            used := 8
                            break
                        }
                    }
                    if or(eq(used, 8), shr(48, value)) {
                        size := not(0)
                        break
                    }
                    size := add(size, sub(used, 1))
                }
                units := add(units, value)
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
