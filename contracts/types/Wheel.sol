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
/// | 3..5 | due | days from `day` on after which what the {Room} took in matures |
/// | 0..2 | flags | 1: a worker was revoked, 2: the long wheel holds money, 4: a {Room} of `day` was issued |
/// @dev The ledger holds less than 2^55 in all, so no field of 56 bits can overflow. While a room is issued, `room` is
/// what it was then: what the {Room} has lost since is money not yet in a bucket.
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
    uint256 internal constant ISSUED = 4;
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

    function due(Wheel self) internal pure returns (uint256) {
        return (Wheel.unwrap(self) >> 3) & 7;
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

    /// @notice The wheel with a room issued whose money matures `due_` days after the wheel's day.
    /// @dev Assumes `due_` < 8.
    function withIssued(Wheel self, uint256 due_) internal pure returns (Wheel) {
        return Wheel.wrap((Wheel.unwrap(self) & ~uint256(7 << 3)) | ISSUED | (due_ << 3));
    }

    /// @dev Assumes `day_` < 2^24.
    function withDay(Wheel self, uint256 day_) internal pure returns (Wheel) {
        return Wheel.wrap((Wheel.unwrap(self) & ~(uint256(type(uint24).max) << 8)) | (day_ << 8));
    }
}

/// @title RoomLib
/// @notice Rooms, four to a word: what settling needs of a provider's earnings on the usual path.
/// | bits | field | unit |
/// |---|---|---|
/// | 16..63 | left | what may still be credited, settlement token base units |
/// | 0..15 | day | day it was issued for, and only then holds |
library RoomLib {
    /// @notice Rooms of one word.
    uint256 internal constant PER_WORD = 4;
    uint256 private constant MAX_LEFT = type(uint48).max;
    uint256 private constant BITS = 64;

    /// @notice What is left in a provider's room today; 0 if none was issued for today.
    function left(uint256 word, uint256 provider, uint256 today) internal pure returns (uint256) {
        uint256 room = uint64(word >> (BITS * (provider % PER_WORD)));
        return uint16(room) == today ? room >> 16 : 0;
    }

    function isOf(uint256 word, uint256 provider, uint256 today) internal pure returns (bool) {
        return uint16(word >> (BITS * (provider % PER_WORD))) == today;
    }

    /// @dev Assumes `amount` <= what is left.
    function take(uint256 word, uint256 provider, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return word - (amount << (BITS * (provider % PER_WORD) + 16));
        }
    }

    /// @notice The word with the provider's room put to `room`.
    function put(uint256 word, uint256 provider, uint256 room) internal pure returns (uint256) {
        uint256 shift = BITS * (provider % PER_WORD);
        return (word & ~(uint256(type(uint64).max) << shift)) | (room << shift);
    }

    /// @notice A fresh room for `today`, all of what the wheel has or as much as fits.
    /// @dev Assumes `today` < 2^16.
    function issue(Wheel wheel, uint256 today) internal pure returns (uint256) {
        return (whole(wheel) << 16) | today;
    }

    /// @notice What a room issued by this wheel held at first.
    function whole(Wheel wheel) internal pure returns (uint256) {
        int256 room = wheel.room();
        if (room <= 0) return 0;
        return uint256(room) < MAX_LEFT ? uint256(room) : MAX_LEFT;
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

    /// @dev Assumes the bucket holds as much.
    function sub(LongWheel self, uint256 index, uint256 amount) internal pure returns (LongWheel) {
        return LongWheel.wrap(LongWheel.unwrap(self) - (amount << (32 + 56 * index)));
    }

    /// @notice All its buckets.
    function total(LongWheel self) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < BUCKETS; ++i) sum += bucket(self, i);
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
