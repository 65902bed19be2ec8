// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice One stream, four to a word: receipts so far (bits 40..63) and units so far (bits 0..39).
type Cell is uint256;

using CellLib for Cell global;

/// @title CellLib
/// @notice Reads and makes a {Cell}, and finds it among the four of a word.
library CellLib {
    /// @notice Cells of one word.
    uint256 internal constant PER_WORD = 4;
    /// @notice Streams of a deal whose cells stand in half a word; two deals share one.
    uint256 internal constant INLINE = 2;
    /// @notice Most receipts of a stream.
    uint256 internal constant MAX_COUNT = type(uint24).max;
    /// @notice Receipts of a stream that was frozen: no group continues it.
    uint256 internal constant FROZEN = MAX_COUNT;
    /// @notice Most units of a stream.
    uint256 internal constant MAX_UNITS = type(uint40).max;
    uint256 private constant BITS = 64;

    /// @dev Assumes both fit.
    function pack(uint256 cursor_, uint256 units_) internal pure returns (Cell) {
        return Cell.wrap((cursor_ << 40) | units_);
    }

    function cursor(Cell self) internal pure returns (uint256) {
        return Cell.unwrap(self) >> 40;
    }

    function units(Cell self) internal pure returns (uint256) {
        return Cell.unwrap(self) & MAX_UNITS;
    }

    function read(uint256 word, uint256 position) internal pure returns (Cell) {
        return Cell.wrap(uint64(word >> (BITS * position)));
    }

    function write(uint256 word, uint256 position, Cell cell) internal pure returns (uint256) {
        uint256 shift = BITS * position;
        return (word & ~(uint256(type(uint64).max) << shift)) | (Cell.unwrap(cell) << shift);
    }

    /// @notice Units of the first `count` cells of a word.
    function sum(uint256 word, uint256 count) internal pure returns (uint256 total) {
        unchecked {
            for (uint256 i = 0; i < count; ++i) total += read(word, i).units();
        }
    }

    /// @notice Position of a deal's inline stream in its word.
    function inlinePosition(uint256 id, uint256 index) internal pure returns (uint256) {
        return ((id & 1) << 1) | index;
    }
}
