// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title BatchLib
/// @notice Reads a batch's bytes where they are, in calldata. Positions are absolute calldata offsets.
/// @dev `reference/ReferenceBatchLib.sol` says the same plainly; both are run against each other.
library BatchLib {
    /// @notice What {varint} and {scan} return for bytes they cannot read: above every limit.
    uint256 internal constant MALFORMED = type(uint256).max;

    /// @notice Reads a canonical LEB128 number of at most 6 bytes.
    /// @return value The number, or MALFORMED.
    /// @return next Offset behind it.
    function varint(uint256 offset) internal pure returns (uint256 value, uint256 next) {
        // Memory is not touched. The word at `offset` holds every byte that can belong to the number.
        assembly ("memory-safe") {
            let word := calldataload(offset)
            value := byte(0, word)
            next := add(offset, 1)
            if gt(value, 127) {
                value := and(value, 127)
                for {
                    let i := 1
                } 1 {
                    i := add(i, 1)
                } {
                    let digit := byte(i, word)
                    value := or(value, shl(mul(7, i), and(digit, 127)))
                    next := add(next, 1)
                    if lt(digit, 128) {
                        if iszero(digit) {
                            value := not(0)
                        }
                        break
                    }
                    if eq(i, 5) {
                        value := not(0)
                        break
                    }
                }
            }
        }
    }

    /// @notice Measures `count` receipts from `offset` on.
    /// @return next Offset behind them, or MALFORMED.
    /// @return units Sum of their units; below count * 2^40.
    function scan(uint256 offset, uint256 count) internal pure returns (uint256 next, uint256 units) {
        // Memory is not touched. Past the end of calldata every word is zero, and zero units are malformed, so the loop
        // ends there whatever `count` says. 33 = one byte of units and the work hash. One, two and three bytes of units
        // are read without a loop: those are nearly all.
        assembly ("memory-safe") {
            next := offset
            for {} count {
                count := sub(count, 1)
            } {
                let word := calldataload(next)
                let value := byte(0, word)
                next := add(next, 33)
                if gt(value, 127) {
                    let digit := byte(1, word)
                    value := or(and(value, 127), shl(7, and(digit, 127)))
                    let i := 1
                    if gt(digit, 127) {
                        digit := byte(2, word)
                        value := or(value, shl(14, and(digit, 127)))
                        i := 2
                        for {} gt(digit, 127) {} {
                            i := add(i, 1)
                            digit := byte(i, word)
                            value := or(value, shl(mul(7, i), and(digit, 127)))
                            if eq(i, 5) {
                                // 35 bits stand before the last byte: it has room for 5, and never goes on
                                digit := mul(digit, lt(digit, 32))
                                break
                            }
                        }
                    }
                    next := add(next, i)
                    value := mul(value, gt(digit, 0))
                }
                if iszero(value) {
                    next := not(0)
                    break
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
