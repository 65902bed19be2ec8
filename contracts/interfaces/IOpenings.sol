// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISettlement} from "./ISettlement.sol";
import {Mode, Outcome} from "./ITypes.sol";

/// @title IOpenings
/// @notice Opens what the settlement keeps hashes of: which groups were settled and what came of it, receipts,
/// and blobs that do not hold what was signed.
/// @dev Every function returns proven facts or reverts; none has consequences. Formats stand in docs/protocol.md.
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

    /// @notice Place of one group in an attested batch, and of the batch in the ring.
    /// @param mode Of the batch.
    /// @param groups Number of groups of the batch.
    /// @param blobs Hash of the batch's blobs; zero in calldata mode.
    /// @param index Of the group in the batch.
    /// @param dealKey Key of the deal.
    /// @param stream Of the deal.
    /// @param first Receipts of the stream before the group.
    /// @param count Receipts of the stream after the group.
    /// @param units Units of the stream after the group.
    /// @param leaves The tallies' hashes among which the group's stands: 8 of them, fewer at the end of the batch.
    /// @param path Merkle siblings from those hashes' own up.
    /// @param facts The records among which the group's stands: 16 of 16 bytes, fewer at the end of the batch.
    /// @param factsPath Merkle siblings from those records' hash up.
    /// @param chain Chained hash of the interval before the batch.
    /// @param time Second on the protocol clock at which the batch was settled.
    /// @param later `root (32) ‖ facts root (32) ‖ time (4)` of each batch chained after it in the same interval.
    struct Inclusion {
        Mode mode;
        uint32 groups;
        bytes32 blobs;
        uint32 index;
        bytes32 dealKey;
        uint8 stream;
        uint24 first;
        uint24 count;
        uint40 units;
        bytes leaves;
        bytes32[] path;
        bytes facts;
        bytes32[] factsPath;
        bytes26 chain;
        uint32 time;
        bytes later;
    }

    /// @notice Place of one forced or acknowledged group in its stream's record.
    /// @param dealId Id of the deal.
    /// @param dealKey Key of the deal.
    /// @param stream Of the deal.
    /// @param first Receipts of the stream before the group.
    /// @param count Receipts of the stream after the group.
    /// @param units Units of the stream after the group.
    /// @param facts The group's record, 16 bytes.
    /// @param chain Chained hash of the stream before the group.
    /// @param time Second on the protocol clock at which the group was settled.
    /// @param later `tally hash (32) ‖ record (16) ‖ time (4)` of each group chained after it.
    struct Entry {
        uint32 dealId;
        bytes32 dealKey;
        uint8 stream;
        uint24 first;
        uint24 count;
        uint40 units;
        bytes16 facts;
        bytes27 chain;
        uint32 time;
        bytes later;
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
    /// @param total Units of the stream after the group, as the worker signed them.
    /// @param outcome What came of it.
    /// @param cursor Receipts of the stream that were settled before.
    /// @param units Units of the stream that were settled before.
    /// @param amount What the deal paid for it, settlement token base units.
    /// @param time Second on the protocol clock.
    struct SettledGroup {
        bytes32 dealKey;
        bytes32 segment;
        bytes32 root;
        uint8 stream;
        uint24 first;
        uint24 count;
        uint40 total;
        Outcome outcome;
        uint24 cursor;
        uint40 units;
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

    /// @notice The batch has no such group.
    error OpeningsNoSuchGroup(uint256 index, uint256 groups);

    /// @notice There are too many or too few Merkle siblings.
    error OpeningsBadPath();

    /// @notice The hashes' bytes are not as many as the group's chunk has, or the group's is not among them.
    error OpeningsBadLeaves(uint256 length);

    /// @notice The records' bytes are not as many as the group's chunk has.
    error OpeningsBadFacts(uint256 size);

    /// @notice What comes later has no whole items.
    error OpeningsBadLinks(uint256 size);

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
    /// @param inclusion Its place.
    /// @param segment Hash of its receipts' bytes.
    /// @return group The group.
    function proveGroup(
        Inclusion calldata inclusion,
        bytes32 segment
    ) external view returns (SettledGroup memory group);

    /// @notice Proves that a receipt was settled, and paid for, by a group of an attested batch.
    /// @param inclusion The group's place.
    /// @param receipts Bytes of all the group's receipts.
    /// @param index Receipts of the stream before the one in question.
    /// @return group The group.
    /// @return receipt The receipt.
    function proveSettled(
        Inclusion calldata inclusion,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt);

    /// @notice Proves that a receipt was settled, and paid for, by a forced or acknowledged group.
    /// @param entry The group's place.
    /// @param receipts Bytes of all the group's receipts.
    /// @param index Receipts of the stream before the one in question.
    /// @return group The group.
    /// @return receipt The receipt.
    function proveRecorded(
        Entry calldata entry,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt);

    /// @notice Proves that the blob of a group of an attested batch does not hold what was signed.
    /// @dev About 54,000 gas an element opened; 256 of them fit one transaction.
    /// @param inclusion The group's place.
    /// @param segment Hash that the worker signed.
    /// @param opening What the blob holds instead.
    /// @return group The group.
    /// @return fault Why it is void.
    function proveVoid(
        Inclusion calldata inclusion,
        bytes32 segment,
        BlobOpening calldata opening
    ) external view returns (SettledGroup memory group, Void fault);
}
