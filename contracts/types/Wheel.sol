// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A provider's earnings of the usual path, in one word.
/// | bits | field | unit |
/// |---|---|---|
/// | 200..255 | room | signed: cover minus unmatured, settlement token base units |
/// | 144..199 | claimable | matured, net of fees |
/// | 88..143 | next | unmatured, due at the start of day + 1 |
/// | 32..87 | later | unmatured, due at the start of day + 2 |
/// | 8..31 | day | day the word was last rolled to |
/// | 0..7 | flags | 1: a worker was revoked, 2: the long wheel holds money |
/// @dev The ledger holds less than 2^55 in all, so no field of 56 bits can overflow.
type Wheel is uint256;

using WheelLib for Wheel global;

/// @notice Earnings of the longer windows: four buckets of 56 bits, due on day + 1 (bits 32..87) to day + 4
/// (bits 200..255), and the day in bits 0..31.
type LongWheel is uint256;

using LongWheelLib for LongWheel global;

/// @title WheelLib
/// @notice Reads and rewrites {Wheel}.
library WheelLib {
    uint256 internal constant REVOCATIONS = 1;
    uint256 internal constant LONG = 2;
    uint256 private constant AMOUNT = type(uint56).max;

    function room(Wheel self) internal pure returns (int256) {
        return int256(Wheel.unwrap(self)) >> 200;
    }

    function claimable(Wheel self) internal pure returns (uint256) {
        return (Wheel.unwrap(self) >> 144) & AMOUNT;
    }

    function next(Wheel self) internal pure returns (uint256) {
        return (Wheel.unwrap(self) >> 88) & AMOUNT;
    }

    function later(Wheel self) internal pure returns (uint256) {
        return (Wheel.unwrap(self) >> 32) & AMOUNT;
    }

    function day(Wheel self) internal pure returns (uint256) {
        return uint24(Wheel.unwrap(self) >> 8);
    }

    function has(Wheel self, uint256 flag) internal pure returns (bool) {
        return Wheel.unwrap(self) & flag != 0;
    }

    function with(Wheel self, uint256 flag) internal pure returns (Wheel) {
        return Wheel.wrap(Wheel.unwrap(self) | flag);
    }

    function without(Wheel self, uint256 flag) internal pure returns (Wheel) {
        return Wheel.wrap(Wheel.unwrap(self) & ~flag);
    }

    /// @dev Assumes the new room fits 56 bits.
    function addRoom(Wheel self, int256 delta) internal pure returns (Wheel) {
        unchecked {
            return Wheel.wrap(uint256(int256(Wheel.unwrap(self)) + (delta << 200)));
        }
    }

    function withClaimable(Wheel self, uint256 amount) internal pure returns (Wheel) {
        return Wheel.wrap((Wheel.unwrap(self) & ~(AMOUNT << 144)) | (amount << 144));
    }

    function withNext(Wheel self, uint256 amount) internal pure returns (Wheel) {
        return Wheel.wrap((Wheel.unwrap(self) & ~(AMOUNT << 88)) | (amount << 88));
    }

    function withLater(Wheel self, uint256 amount) internal pure returns (Wheel) {
        return Wheel.wrap((Wheel.unwrap(self) & ~(AMOUNT << 32)) | (amount << 32));
    }

    /// @dev Assumes `day_` < 2^24.
    function withDay(Wheel self, uint256 day_) internal pure returns (Wheel) {
        return Wheel.wrap((Wheel.unwrap(self) & ~(uint256(type(uint24).max) << 8)) | (day_ << 8));
    }
}

/// @title LongWheelLib
/// @notice Reads and rewrites {LongWheel}.
library LongWheelLib {
    uint256 internal constant BUCKETS = 4;
    uint256 private constant AMOUNT = type(uint56).max;

    function day(LongWheel self) internal pure returns (uint256) {
        return uint32(LongWheel.unwrap(self));
    }

    /// @param index Bucket due on day + 1 + index.
    function bucket(LongWheel self, uint256 index) internal pure returns (uint256) {
        return (LongWheel.unwrap(self) >> (32 + 56 * index)) & AMOUNT;
    }

    /// @dev Assumes the sum stays below 2^56.
    function add(LongWheel self, uint256 index, uint256 amount) internal pure returns (LongWheel) {
        return LongWheel.wrap(LongWheel.unwrap(self) + (amount << (32 + 56 * index)));
    }

    function isEmpty(LongWheel self) internal pure returns (bool) {
        return LongWheel.unwrap(self) >> 32 == 0;
    }

    /// @notice Drops the first `days_` buckets and moves the day on.
    function forward(LongWheel self, uint256 days_) internal pure returns (LongWheel) {
        uint256 rest = days_ < BUCKETS ? (LongWheel.unwrap(self) >> 32) >> (56 * days_) : 0;
        return LongWheel.wrap((rest << 32) | (day(self) + days_));
    }
}
