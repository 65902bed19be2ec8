// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What settling needs to know of a deal and what only ending it changes, in one word.
/// | bits | field | unit |
/// |---|---|---|
/// | 192..255 | price | settlement token base units per unit |
/// | 160..191 | provider | registry id |
/// | 128..159 | rateCap | units per hour and stream |
/// | 96..127 | openedAt | second on the protocol clock |
/// | 64..95 | end | second on the protocol clock |
/// | 56..63 | streams | number of streams |
/// | 54..55 | state | 0 none, 1 live, 2 closed |
/// | 52..53 | kind | see Kind |
/// | 50..51 | mode | see Mode |
/// | 34..49 | unused | |
/// | 33 | excused | the provider asked for work in vain: no no-show |
/// | 32 | stopped | ended before its agreed end |
/// | 0..31 | id | the deal's own |
type Terms is uint256;

using TermsLib for Terms global;

/// @title TermsLib
/// @notice Reads and rewrites {Terms}.
library TermsLib {
    uint256 internal constant LIVE = 1;
    uint256 internal constant CLOSED = 2;
    /// @notice Flag: the deal ended before its agreed end.
    uint256 internal constant STOPPED = 1 << 32;
    /// @notice Flag: the provider asked for work and got none.
    uint256 internal constant EXCUSED = 1 << 33;

    function pack(
        uint32 id_,
        uint64 price_,
        uint32 provider_,
        uint32 rateCap_,
        uint32 openedAt_,
        uint32 end_
    ) internal pure returns (Terms) {
        return
            Terms.wrap(
                (uint256(price_) << 192) |
                    (uint256(provider_) << 160) |
                    (uint256(rateCap_) << 128) |
                    (uint256(openedAt_) << 96) |
                    (uint256(end_) << 64) |
                    (LIVE << 54) |
                    id_
            );
    }

    function price(Terms self) internal pure returns (uint256) {
        return Terms.unwrap(self) >> 192;
    }

    function provider(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 160);
    }

    function rateCap(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 128);
    }

    function openedAt(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 96);
    }

    function end(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self) >> 64);
    }

    function streams(Terms self) internal pure returns (uint256) {
        return uint8(Terms.unwrap(self) >> 56);
    }

    function state(Terms self) internal pure returns (uint256) {
        return (Terms.unwrap(self) >> 54) & 3;
    }

    function kind(Terms self) internal pure returns (uint256) {
        return (Terms.unwrap(self) >> 52) & 3;
    }

    function mode(Terms self) internal pure returns (uint256) {
        return (Terms.unwrap(self) >> 50) & 3;
    }

    function id(Terms self) internal pure returns (uint256) {
        return uint32(Terms.unwrap(self));
    }

    function has(Terms self, uint256 flags) internal pure returns (bool) {
        return Terms.unwrap(self) & flags != 0;
    }

    function with(Terms self, uint256 flag) internal pure returns (Terms) {
        return Terms.wrap(Terms.unwrap(self) | flag);
    }

    /// @notice The terms of a deal that is stopped.
    /// @dev Assumes `end_` < 2^32.
    function stoppedAt(Terms self, uint256 end_) internal pure returns (Terms) {
        return withEnd(self, end_).with(STOPPED);
    }

    /// @dev For terms fresh from {pack}. Assumes `kind_` and `mode_` < 4.
    function withWork(Terms self, uint8 streams_, uint8 kind_, uint8 mode_) internal pure returns (Terms) {
        return
            Terms.wrap(
                Terms.unwrap(self) | (uint256(streams_) << 56) | (uint256(kind_) << 52) | (uint256(mode_) << 50)
            );
    }

    /// @dev Assumes `end_` < 2^32.
    function withEnd(Terms self, uint256 end_) internal pure returns (Terms) {
        return Terms.wrap((Terms.unwrap(self) & ~(uint256(type(uint32).max) << 64)) | (end_ << 64));
    }

    /// @dev Assumes `state_` < 4.
    function withState(Terms self, uint256 state_) internal pure returns (Terms) {
        return Terms.wrap((Terms.unwrap(self) & ~(uint256(3) << 54)) | (state_ << 54));
    }
}
