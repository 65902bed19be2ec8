// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What settling needs to know of a deal and seldom changes, in one word.
/// | bits | field | unit |
/// |---|---|---|
/// | 192..255 | price | settlement token base units per unit |
/// | 128..191 | floor | signed: base units `remaining` may not fall below |
/// | 96..127 | provider | registry id |
/// | 64..95 | rateCap | units per hour and stream |
/// | 32..63 | openedAt | second on the protocol clock |
/// | 0..31 | end | second on the protocol clock |
type Terms is uint256;

using TermsLib for Terms global;

/// @title TermsLib
/// @notice Reads and rewrites {Terms}.
library TermsLib {
    /// @dev Assumes `floor_` fits 64 bits, signed.
    function pack(
        uint64 price_,
        int256 floor_,
        uint32 provider_,
        uint32 rateCap_,
        uint32 openedAt_,
        uint32 end_
    ) internal pure returns (Terms) {
        return
            Terms.wrap(
                (uint256(price_) << 192) |
                    (uint256(uint64(int64(floor_))) << 128) |
                    (uint256(provider_) << 96) |
                    (uint256(rateCap_) << 64) |
                    (uint256(openedAt_) << 32) |
                    end_
            );
    }

    function price(Terms self) internal pure returns (uint256) {
        return Terms.unwrap(self) >> 192;
    }

    function floor(Terms self) internal pure returns (int256) {
        return int64(uint64(Terms.unwrap(self) >> 128));
    }

    function provider(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 96);
    }

    function rateCap(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 64);
    }

    function openedAt(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 32);
    }

    function end(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self));
    }

    /// @dev Assumes `floor_` fits 64 bits, signed.
    function withFloor(Terms self, int256 floor_) internal pure returns (Terms) {
        uint256 bits = uint64(int64(floor_));
        return Terms.wrap((Terms.unwrap(self) & ~(uint256(type(uint64).max) << 128)) | (bits << 128));
    }

    /// @dev Assumes `end_` < 2^32.
    function withEnd(Terms self, uint256 end_) internal pure returns (Terms) {
        return Terms.wrap((Terms.unwrap(self) & ~uint256(type(uint32).max)) | end_);
    }
}
