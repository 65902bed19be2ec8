// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title LienLib
/// @notice What a deal keeps of the stake reserved for it: `generation (8 bits) ‖ shares (88 bits)` of its provider's
/// own side. When a slash empties the side, a new generation begins, and liens of older ones are worth nothing.
library LienLib {
    uint256 private constant SHARES = 88;

    /// @notice A lien on `shares` of a generation.
    function pack(uint256 generation_, uint256 shares_) internal pure returns (uint96) {
        return uint96((generation_ << SHARES) | shares_);
    }

    /// @notice Both liens as one. If they are of two generations, the older one is worth nothing.
    function joined(uint96 lien, uint96 newer) internal pure returns (uint96) {
        return generation(lien) == generation(newer) ? lien + uint88(newer) : newer;
    }

    function generation(uint96 lien) internal pure returns (uint256) {
        return lien >> SHARES;
    }

    function shares(uint96 lien) internal pure returns (uint256) {
        return uint88(lien);
    }
}
