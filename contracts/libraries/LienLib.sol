// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title LienLib
/// @notice What a deal keeps of the stake reserved for it: `generation (8 bits) ‖ shares (88 bits)` of its provider's
/// own side. When a slash empties the side, a new generation begins, and liens of older ones are worth nothing.
/// What a dispute keeps: `own generation (8) ‖ pool's generation (8) ‖ own shares (40) ‖ pool's shares (40)`, both in
/// units of 2^48.
library LienLib {
    /// @notice Liens of disputes are on multiples of this many shares.
    uint256 internal constant UNIT = 2 ** 48;
    uint256 private constant SHARES = 88;
    uint256 private constant POOL_GENERATION = 80;
    uint256 private constant OWN = 40;

    /// @notice A lien on `shares` of a generation.
    function pack(uint256 generation_, uint256 shares_) internal pure returns (uint96) {
        return uint96((generation_ << SHARES) | shares_);
    }

    /// @notice Both liens as one. If they are of two generations, the older one is worth nothing.
    function joined(uint96 lien, uint96 newer) internal pure returns (uint96) {
        return generation(lien) == generation(newer) ? lien + uint88(newer) : newer;
    }

    /// @notice So many parts of `of_` of a lien.
    function partUp(uint96 lien, uint256 parts, uint256 of_) internal pure returns (uint96) {
        return pack(generation(lien), (shares(lien) * parts + of_ - 1) / of_);
    }

    function generation(uint96 lien) internal pure returns (uint256) {
        return lien >> SHARES;
    }

    function shares(uint96 lien) internal pure returns (uint256) {
        return uint88(lien);
    }

    /// @notice The least multiple of a unit that is not below `asked`, or the greatest that is not above `free`.
    function inUnits(uint256 asked, uint256 free) internal pure returns (uint256) {
        uint256 most = free / UNIT < type(uint40).max ? free / UNIT : type(uint40).max;
        uint256 units = asked / UNIT + (asked % UNIT == 0 ? 0 : 1);
        return UNIT * (units < most ? units : most);
    }

    /// @notice A dispute's lien on multiples of a unit.
    function packDispute(
        uint256 ownGeneration,
        uint256 own,
        uint256 poolGeneration_,
        uint256 pooled
    ) internal pure returns (uint96) {
        uint256 generations = (ownGeneration << SHARES) | (poolGeneration_ << POOL_GENERATION);
        return uint96(generations | ((own / UNIT) << OWN) | (pooled / UNIT));
    }

    function poolGeneration(uint96 lien) internal pure returns (uint256) {
        return uint8(lien >> POOL_GENERATION);
    }

    function ownShares(uint96 lien) internal pure returns (uint256) {
        return uint40(lien >> OWN) * UNIT;
    }

    function poolShares(uint96 lien) internal pure returns (uint256) {
        return uint40(lien) * UNIT;
    }
}
