// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title INets
/// @notice Netted deals: their receipts stand in blobs, their streams under one root, and a batch brings the chain only
/// what each buyer pays and each provider receives.
/// @dev Batches come through {ISettlement-settle}. Amounts are base units of the settlement token.
interface INets {
    /// @notice A buyer has an index in net batches from now on.
    /// @param index Its index.
    /// @param buyer Account.
    event BuyerNumbered(uint32 indexed index, address indexed buyer);

    /// @notice The batch may no longer be settled.
    error NetsExpired(uint256 clock, uint256 until);

    /// @notice Nets stand by rising provider and by rising buyer, and this one does not.
    error NetsNotRising(uint256 position);

    /// @notice What providers receive is not what buyers pay.
    error NetsUnbalanced(uint256 credits, uint256 debits);

    /// @notice The buyer's netted deals have less.
    error NetsBuyerShort(uint256 index, uint256 netted, uint256 net);

    /// @notice The provider's stake does not cover as much.
    error NetsUncovered(uint256 provider, uint256 net);

    /// @notice Nets that have not matured are worth more than the bonds of the members that signed.
    error NetsBeyondBonds(uint256 open, uint256 bonds);

    /// @notice The batch goes back or ahead of the queue, or leaves out an announced group that is due.
    error NetsQueue(uint256 index, uint256 from, uint256 to);

    /// @notice A batch without records changes nothing.
    error NetsNothingRecorded();

    /// @notice Reads the bonds of the members of the epochs that may attest. Permissionless.
    /// @dev Bonds count in whole stake tokens, rounded down. The registry calls it when a bond changes.
    function refreshBonds() external;

    /// @notice Root over the streams of all netted deals.
    /// @return See docs/net-mode.md.
    function netRoot() external view returns (bytes32);

    /// @notice A buyer's netted deals.
    /// @param buyer Account.
    /// @return index Its index in net batches; meaningless without a deal ever.
    /// @return deals Netted deals that are not closed.
    /// @return budgets Sum of their budgets.
    /// @return netted What batches and closing may still take.
    function netBuyer(address buyer) external view returns (uint32 index, uint32 deals, uint64 budgets, uint64 netted);

    /// @notice Nets that have not matured, and what the members' bonds cover.
    /// @param epoch Epoch of members.
    /// @param members Bit i, lowest first, is member i.
    /// @return open Sum of the nets that have not matured.
    /// @return bonds Value of these members' bonds as they were read last.
    function exposure(uint32 epoch, uint32 members) external view returns (uint64 open, uint256 bonds);
}
