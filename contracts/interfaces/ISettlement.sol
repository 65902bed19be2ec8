// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Lane, Mode} from "./ITypes.sol";

/// @title ISettlement
/// @notice Turns batches of worker-signed segments into debits of deals and credits of providers.
interface ISettlement {
    /// @notice A batch was settled.
    /// @param lane See Lane.
    /// @param root keccak256(abi.encode(mode, number of groups, Merkle root over all group hashes, hash of the blobs)).
    /// @param mode See Mode.
    /// @param applied Bit i (bit i % 8 of byte i / 8, lowest first) is set if group i moved its stream.
    /// @param clock Second on the protocol clock.
    event Settled(Lane indexed lane, bytes32 indexed root, Mode mode, bytes applied, uint32 clock);

    /// @notice The bytes do not decode at `position` of the batch.
    error SettlementMalformedBatch(uint256 position);

    /// @notice This deployment does not settle batches of this mode.
    error SettlementUnsupportedMode(uint8 mode);

    /// @notice The transaction carries fewer blobs than the batch names.
    error SettlementBlobMissing(uint256 index);

    /// @notice The settlement takes no ether.
    error SettlementNoEther();

    /// @notice There is no such lane.
    error SettlementUnsupportedLane(uint8 lane);

    /// @notice A batch must stand in the transaction's own input.
    error SettlementNotTopLevel(address caller);

    /// @notice The attested group whose signature stands at `position` is not what members can have signed for.
    error SettlementBadGroup(uint256 position);

    /// @notice The attestation does not claim that the tallies are signed and the orders exist.
    error SettlementNothingClaimed(uint8 claims);

    /// @notice The forced batch is not authorised by the provider's side.
    error SettlementForceUnauthorized(uint32 provider, address caller);

    /// @notice A forced batch holds groups of one provider only.
    error SettlementForceMixedProviders(uint32 provider, uint32 other);

    /// @notice The interval holds as many batches as a proof can carry; wait for the next one.
    error SettlementIntervalFull(uint256 interval);

    /// @notice Settles a batch. A group that cannot apply is skipped, the rest settles.
    /// @dev Only for an account without code, as the transaction's first call. See docs/protocol.md for the bytes.
    /// @param batch `mode ‖ lane ‖ [how many groups each blob holds] ‖ groups`, or a batch of netted deals.
    /// @param authority Attested: `epoch ‖ claims ‖ bitmap ‖ signatures`. Forced: empty when the caller is the
    /// provider or its operator, else their or the only worker's EIP-2098 signature over `Force(root, sender)`.
    /// Acknowledged: not read.
    /// @return facts 16 bytes per group: `outcome (1) ‖ cursor before (3) ‖ units before (5) ‖ amount paid (7)`, where
    /// the group was skipped all zero but the outcome. Nothing for a batch of netted deals.
    function settle(bytes calldata batch, bytes calldata authority) external returns (bytes memory facts);

    /// @notice Chained hash of one interval's attested batches.
    /// @param interval Protocol clock divided by the interval's length.
    /// @return chain First 26 bytes of the chained hash; zero if nothing settled or the slot was reused.
    /// @return count Batches chained.
    function intervalChain(uint32 interval) external view returns (bytes26 chain, uint16 count);

    /// @notice Chained hash of one stream's forced and acknowledged groups.
    /// @param id Deal.
    /// @param stream Stream of the deal.
    /// @return chain First 27 bytes of the chained hash.
    /// @return time Second of the newest one.
    function streamRecord(uint32 id, uint8 stream) external view returns (bytes27 chain, uint32 time);
}
