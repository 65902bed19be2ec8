// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Outcome} from "./ITypes.sol";

/// @title INets
/// @notice Netted deals: their receipts stand in blobs, their streams under one root, and a batch brings the chain only
/// what each buyer pays and each provider receives.
/// @dev Batches come through {ISettlement-settle}. Amounts are base units of the settlement token.
interface INets {
    /// @notice Siblings from a leaf of the tree under the net root up; those that are zero are left out.
    /// @param mask Bit i says that the sibling at level i, counted from the leaf, is not zero.
    /// @param siblings The others.
    struct NetPath {
        uint32 mask;
        bytes32[] siblings;
    }

    /// @notice A buyer has an index in net batches from now on.
    /// @param index Its index.
    /// @param buyer Account.
    event BuyerNumbered(uint32 indexed index, address indexed buyer);

    /// @notice The provider's side announced a group; its bytes stand in the transaction's input.
    /// @param index In the queue.
    /// @param id Deal.
    /// @param stream Stream of the deal.
    /// @param clock Second on the protocol clock.
    event ForceAnnounced(uint32 indexed index, uint32 indexed id, uint8 stream, uint32 clock);

    /// @notice An announced group was settled without the committee.
    /// @param index In the queue.
    /// @param id Deal.
    /// @param stream Stream of the deal.
    /// @param cell Where the stream stands then: receipts (24 bits) ‖ units (40 bits).
    /// @param amount Settlement token base units the provider was credited.
    /// @param root Net root after it.
    event ForceExecuted(
        uint32 indexed index,
        uint32 indexed id,
        uint8 stream,
        uint64 cell,
        uint64 amount,
        bytes32 root
    );

    /// @notice There is no such deal, it is closed, or it is not netted.
    error NetsNoSuchDeal(uint32 id);

    /// @notice The leaf and its path do not lead to the net root.
    error NetsBadPath();

    /// @notice The group cannot be settled; `outcome` says why.
    error NetsRefused(Outcome outcome);

    /// @notice This group was not announced under this index, or 2^16 others were since.
    error NetsNotAnnounced(uint32 index);

    /// @notice It is `clock`; a group can be executed from `from` on, in the first five minutes of each 15.
    error NetsForceTooEarly(uint256 clock, uint256 from);

    /// @notice 2^16 groups were announced within a week and no batch looked at them.
    error NetsQueueFull();

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

    /// @notice Ends a netted deal whose budget is used up. Permissionless.
    /// @param id Deal.
    /// @param leaf Its leaf, `deal key ‖ cells`, or whatever stands in its place; empty if nothing does.
    /// @param path Of the leaf.
    function stopNet(uint32 id, bytes calldata leaf, NetPath calldata path) external;

    /// @notice Returns the rest of a netted deal, three hours after its Closing period. Permissionless.
    /// @dev Returns less only if batches took more from the buyer than its deals' units were worth, and in any case
    /// what the buyer's other netted deals have no budget for: with its last one everything.
    /// @param id Deal.
    /// @param leaf Its leaf, `deal key ‖ cells`, or whatever stands in its place; empty if nothing does.
    /// @param path Of the leaf.
    function closeNet(uint32 id, bytes calldata leaf, NetPath calldata path) external;

    /// @notice Closes a netted deal of which nobody showed the leaf for the retention period after its Closing period,
    /// because members attested a root that nobody knows the leaves of. Permissionless.
    /// @dev Returns what the buyer's other netted deals have no budget for.
    /// @param id Deal.
    function closeUnproven(uint32 id) external;

    /// @notice Announces a group of a netted deal, so that it is settled with the committee or without.
    /// @dev By the provider's owner or operator, or whoever has their or the worker's EIP-2098 signature over
    /// `Force(root, sender)`, root = that of a batch of mode 2 with this group and no blobs. Top-level only, like
    /// `settle`.
    /// @param group One group as it stands in calldata batches of the attested lane.
    /// @param authority Empty, or the signature.
    /// @return index In the queue.
    function announceForce(bytes calldata group, bytes calldata authority) external returns (uint32 index);

    /// @notice Settles an announced group that no batch settled for an hour. Permissionless.
    /// @dev Its money matures after the forced window.
    /// @param index In the queue.
    /// @param group As announced.
    /// @param leaf The deal's leaf under the net root, see {closeNet}.
    /// @param path Of the leaf.
    function executeForce(uint32 index, bytes calldata group, bytes calldata leaf, NetPath calldata path) external;

    /// @notice Reads the bonds of the members of the epochs that may attest. Permissionless.
    /// @dev Bonds count in whole stake tokens, rounded down. The registry calls it when a bond changes.
    function refreshBonds() external;

    /// @notice Root over the streams of all netted deals.
    /// @return See docs/net-mode.md.
    function netRoot() external view returns (bytes32);

    /// @notice The newest deal of an id as it is stored, whatever became of it.
    /// @param id Deal.
    /// @return key Deal key; zero if there never was one.
    /// @return terms See `types/Terms.sol`.
    /// @return purse See `types/Purse.sol`.
    /// @return buyer Account whose escrow pays.
    function netDeal(uint32 id) external view returns (bytes32 key, uint256 terms, uint256 purse, address buyer);

    /// @notice The queue of announced groups.
    /// @return from Index of the first one that no batch looked at.
    /// @return to Index of the next one.
    function netQueue() external view returns (uint32 from, uint32 to);

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
    function openNets(uint32 epoch, uint32 members) external view returns (uint64 open, uint256 bonds);
}
