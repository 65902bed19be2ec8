// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A deal's money and where else its facts stand, in one word.
/// | bits | field | unit |
/// |---|---|---|
/// | 192..255 | budget | settlement token base units |
/// | 128..191 | allowance | units that may be paid: the exposure and what was acknowledged |
/// | 64..127 | openingFee | settlement token base units |
/// | 32..63 | closedAt | second on the protocol clock |
/// | 0..31 | place | in a deal page, see {DealPages}; 0 if in none |
type Purse is uint256;

using PurseLib for Purse global;

/// @title PurseLib
/// @notice Reads and rewrites {Purse}.
library PurseLib {
    /// @dev Assumes `allowance_` < 2^64.
    function pack(uint64 budget_, uint256 allowance_, uint64 openingFee_) internal pure returns (Purse) {
        return Purse.wrap((uint256(budget_) << 192) | (allowance_ << 128) | (uint256(openingFee_) << 64));
    }

    function budget(Purse self) internal pure returns (uint256) {
        return Purse.unwrap(self) >> 192;
    }

    function allowance(Purse self) internal pure returns (uint256) {
        return uint64(Purse.unwrap(self) >> 128);
    }

    function openingFee(Purse self) internal pure returns (uint256) {
        return uint64(Purse.unwrap(self) >> 64);
    }

    function closedAt(Purse self) internal pure returns (uint256) {
        return uint32(Purse.unwrap(self) >> 32);
    }

    function place(Purse self) internal pure returns (uint256) {
        return uint32(Purse.unwrap(self));
    }

    /// @dev Assumes `budget_` < 2^64.
    function withBudget(Purse self, uint256 budget_) internal pure returns (Purse) {
        return Purse.wrap((Purse.unwrap(self) & type(uint192).max) | (budget_ << 192));
    }

    /// @dev Assumes `allowance_` < 2^64.
    function withAllowance(Purse self, uint256 allowance_) internal pure returns (Purse) {
        return Purse.wrap((Purse.unwrap(self) & ~(uint256(type(uint64).max) << 128)) | (allowance_ << 128));
    }

    /// @notice The purse without an opening fee.
    function withoutFee(Purse self) internal pure returns (Purse) {
        return Purse.wrap(Purse.unwrap(self) & ~(uint256(type(uint64).max) << 64));
    }

    /// @dev Assumes `closedAt_` < 2^32.
    function withClosedAt(Purse self, uint256 closedAt_) internal pure returns (Purse) {
        return Purse.wrap((Purse.unwrap(self) & ~(uint256(type(uint32).max) << 32)) | (closedAt_ << 32));
    }

    /// @dev Assumes `place_` < 2^32.
    function withPlace(Purse self, uint256 place_) internal pure returns (Purse) {
        return Purse.wrap((Purse.unwrap(self) & ~uint256(type(uint32).max)) | place_);
    }
}
