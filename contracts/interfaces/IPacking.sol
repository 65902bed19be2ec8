// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IPacking
/// @notice Facts of deals copied to code, where settling reads them for less than in storage.
interface IPacking {
    /// @notice Facts of deals were written to a page, row i for the i-th id; rows they had elsewhere no longer hold.
    /// @param page Number of the page.
    /// @param ids Deals.
    event DealsPacked(uint32 indexed page, uint32[] ids);

    /// @notice The deal stands in a page with more company, or was named twice.
    error DealAlreadyPacked(uint32 id);

    /// @notice Only open deals are packed.
    error DealNotPackable(uint32 id);

    /// @notice A page takes 1 to 256 deals, and there are no more than 2^24 pages.
    error DealsPackSize(uint256 size);

    /// @notice Writes the facts of open deals to code, where settling reads them for less. Permissionless.
    /// @dev A deal that stands in a page moves only if this one has at least twice as many rows as that one has live.
    /// @param ids 1 to 256 deals.
    /// @return page Number of the page; the contract that the settlement created with this nonce.
    function packDeals(uint32[] calldata ids) external returns (uint32 page);
}
