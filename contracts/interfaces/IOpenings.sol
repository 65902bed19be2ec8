// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISettlement} from "./ISettlement.sol";
import {Outcome} from "./ITypes.sol";

/// @title IOpenings
/// @notice Opens what the settlement keeps hashes of: which groups were settled and what came of it, receipts, and
/// blobs that do not hold what was signed.
/// @dev Every function returns proven facts or reverts; none has consequences.
///
/// A **place in a batch** is `mode (1) ‖ [hash of the blobs (32), unless mode is 0] ‖ groups (4) ‖ index of the group
/// (4) ‖ time (4) ‖ chained hash of the interval before the batch (26) ‖ tally (44) ‖ hashes of the other groups of its
/// chunk of 8 ‖ Merkle path of the chunk ‖ records of its chunk of 16 ‖ Merkle path of that ‖ for each batch chained
/// after it in the same interval: root (32) ‖ facts root (32) ‖ time (4)`.
///
/// A **place in a stream** is `deal id (4) ‖ time (4) ‖ chained hash of the stream before the group (27) ‖ record (16)
/// ‖ tally (44) ‖ for each group chained after it: group hash (32) ‖ record (16) ‖ time (4)`.
///
/// A **tally** is `deal key (32) ‖ stream (1) ‖ first (3) ‖ count (3) ‖ units so far (5)`. Times are seconds on the
/// protocol clock. See docs/protocol.md.
interface IOpenings {
    /// @notice Why a group's blob voids it.
    /// @dev Entry: its entry in the blob's table is not canonical, does not begin where the group before ends, is
    /// longer than 256 elements or passes the end. Element: an element of its receipts has a first byte or padding that
    /// is not zero. Bytes: its bytes do not hash to the segment that was signed.
    enum Void {
        Entry,
        Element,
        Bytes
    }

    /// @notice Openings of one blob for one of its groups.
    /// @param blobs `versioned hash (32) ‖ groups (2)` of each blob of the batch.
    /// @param commitment KZG commitment of the group's blob, 48 bytes.
    /// @param entries Elements of the table: the entry before the group's, unless it is the blob's first, and its own.
    /// @param skip The group's elements before the first one opened.
    /// @param elements Elements of the group's receipts. All of them, or the one that is wrong; none when the entry is.
    /// @param proofs KZG proofs of the entries and the elements, in order, 48 bytes each.
    struct BlobOpening {
        bytes blobs;
        bytes commitment;
        bytes32[] entries;
        uint16 skip;
        bytes32[] elements;
        bytes proofs;
    }

    /// @notice A group that was settled or skipped.
    /// @param dealKey Key of the deal.
    /// @param segment Hash of the receipts' bytes, as the worker signed it.
    /// @param root Root of the batch; zero where its stream's record proved the group.
    /// @param stream Of the deal.
    /// @param first Receipts of the stream before the group.
    /// @param count Receipts of the stream after the group.
    /// @param units Units of the stream after the group.
    /// @param outcome What came of it.
    /// @param cursor Receipts of the stream that were settled before.
    /// @param unitsBefore Units of the stream that were settled before.
    /// @param amount What the deal paid for it, settlement token base units.
    /// @param time Second on the protocol clock.
    struct SettledGroup {
        bytes32 dealKey;
        bytes32 segment;
        bytes32 root;
        uint8 stream;
        uint24 first;
        uint24 count;
        uint40 units;
        Outcome outcome;
        uint24 cursor;
        uint40 unitsBefore;
        uint56 amount;
        uint32 time;
    }

    /// @notice A receipt.
    /// @param index Receipts of the stream before it.
    /// @param units Its units.
    /// @param workHash Its work hash.
    struct Receipt {
        uint24 index;
        uint24 units;
        bytes32 workHash;
    }

    /// @notice The place has fewer or more bytes than its number of groups and the group's index ask for.
    error OpeningsMalformedPlace(uint256 size);

    /// @notice The batch has no such group.
    error OpeningsNoSuchGroup(uint256 index, uint256 groups);

    /// @notice The hashes do not lead to what the settlement keeps of this interval.
    error OpeningsNotInRing(uint256 interval);

    /// @notice The hashes do not lead to what the settlement keeps of this stream.
    error OpeningsNotInRecord(uint256 dealId, uint256 stream);

    /// @notice The group did not move its stream.
    error OpeningsNotMoved(Outcome outcome);

    /// @notice The bytes are not the group's receipts: 35 bytes each, their units at least 1.
    error OpeningsMalformedReceipts();

    /// @notice The group paid for the receipts from `cursor` on and before `count` only.
    error OpeningsNotPaid(uint256 index, uint256 cursor, uint256 count);

    /// @notice The batch was settled with other blobs, or without.
    error OpeningsOtherBlobs();

    /// @notice The number of entries, elements or proofs is not what the group needs.
    error OpeningsIncomplete();

    /// @notice The precompile refuses the opening of this element of the blob.
    error OpeningsBadProof(uint256 element);

    /// @notice Everything opened is as it must be.
    error OpeningsNothingWrong();

    /// @notice The settlement whose hashes are opened.
    /// @return Its address.
    function SETTLEMENT() external view returns (ISettlement);

    /// @notice Proves what came of a group of an attested batch.
    /// @param place The group's place in the batch.
    /// @param segment Hash of its receipts' bytes.
    /// @return group The group.
    function proveGroup(bytes calldata place, bytes32 segment) external view returns (SettledGroup memory group);

    /// @notice Proves that a receipt was settled, and paid for, by a group of an attested batch.
    /// @param place The group's place in the batch.
    /// @param receipts Bytes of all the group's receipts.
    /// @param index Receipts of the stream before the one in question.
    /// @return group The group.
    /// @return receipt The receipt.
    function proveSettled(
        bytes calldata place,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt);

    /// @notice Proves what came of a forced or acknowledged group.
    /// @param place The group's place in the stream.
    /// @param segment Hash of its receipts' bytes.
    /// @return group The group.
    function proveRecord(bytes calldata place, bytes32 segment) external view returns (SettledGroup memory group);

    /// @notice Proves that a receipt was settled, and paid for, by a forced or acknowledged group.
    /// @param place The group's place in the stream.
    /// @param receipts Bytes of all the group's receipts.
    /// @param index Receipts of the stream before the one in question.
    /// @return group The group.
    /// @return receipt The receipt.
    function proveRecorded(
        bytes calldata place,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt);

    /// @notice Proves that the blob of a group of an attested batch does not hold what was signed.
    /// @dev About 55,000 gas an element opened; 256 of them fit one transaction.
    /// @param place The group's place in the batch.
    /// @param segment Hash that the worker signed.
    /// @param opening What the blob holds instead.
    /// @return group The group.
    /// @return fault Why it is void.
    function proveVoid(
        bytes calldata place,
        bytes32 segment,
        BlobOpening calldata opening
    ) external view returns (SettledGroup memory group, Void fault);
}
