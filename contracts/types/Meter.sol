// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What settling changes in a deal, in one word: the money left and the first two streams.
/// | bits | field | unit |
/// |---|---|---|
/// | 192..255 | remaining | settlement token base units |
/// | 184..191 | streams | number of streams |
/// | 182..183 | state | 0 none, 1 live, 2 closed |
/// | 180..181 | kind | see Kind |
/// | 178..179 | mode | see Mode |
/// | 160..177 | unused | |
/// | 80..159 | stream 1 | see {Cell} |
/// | 0..79 | stream 0 | see {Cell} |
type Meter is uint256;

using MeterLib for Meter global;

/// @notice One stream: receipts so far (bits 48..79) and units so far (bits 0..47).
type Cell is uint256;

using CellLib for Cell global;

/// @title CellLib
/// @notice Reads and makes a {Cell}, and finds it among the three of a word.
library CellLib {
    uint256 internal constant MASK = type(uint80).max;

    function pack(uint256 cursor_, uint256 units_) internal pure returns (Cell) {
        return Cell.wrap((cursor_ << 48) | units_);
    }

    function cursor(Cell self) internal pure returns (uint256) {
        return Cell.unwrap(self) >> 48;
    }

    function units(Cell self) internal pure returns (uint256) {
        return Cell.unwrap(self) & type(uint48).max;
    }

    function read(uint256 word, uint256 position) internal pure returns (Cell) {
        return Cell.wrap((word >> (80 * position)) & MASK);
    }

    function write(uint256 word, uint256 position, Cell cell) internal pure returns (uint256) {
        uint256 shift = 80 * position;
        return (word & ~(MASK << shift)) | (Cell.unwrap(cell) << shift);
    }
}

/// @title MeterLib
/// @notice Reads and rewrites {Meter}.
library MeterLib {
    uint256 internal constant LIVE = 1;
    uint256 internal constant CLOSED = 2;
    /// @notice Streams whose state stands in the meter itself.
    uint256 internal constant INLINE_STREAMS = 2;

    function pack(uint64 remaining_, uint8 streams_, uint8 kind_, uint8 mode_) internal pure returns (Meter) {
        return
            Meter.wrap(
                (uint256(remaining_) << 192) |
                    (uint256(streams_) << 184) |
                    (LIVE << 182) |
                    (uint256(kind_) << 180) |
                    (uint256(mode_) << 178)
            );
    }

    function remaining(Meter self) internal pure returns (uint256) {
        return Meter.unwrap(self) >> 192;
    }

    function streams(Meter self) internal pure returns (uint256) {
        return uint8(Meter.unwrap(self) >> 184);
    }

    function state(Meter self) internal pure returns (uint256) {
        return (Meter.unwrap(self) >> 182) & 3;
    }

    function kind(Meter self) internal pure returns (uint256) {
        return (Meter.unwrap(self) >> 180) & 3;
    }

    function mode(Meter self) internal pure returns (uint256) {
        return (Meter.unwrap(self) >> 178) & 3;
    }

    /// @dev Assumes `remaining_` < 2^64.
    function withRemaining(Meter self, uint256 remaining_) internal pure returns (Meter) {
        return Meter.wrap((Meter.unwrap(self) & type(uint192).max) | (remaining_ << 192));
    }

    /// @dev Assumes `state_` < 4.
    function withState(Meter self, uint256 state_) internal pure returns (Meter) {
        return Meter.wrap((Meter.unwrap(self) & ~(uint256(3) << 182)) | (state_ << 182));
    }
}
