// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOpenings} from "./interfaces/IOpenings.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Outcome} from "./interfaces/ITypes.sol";
import {BlobLib} from "./libraries/BlobLib.sol";
import {MerkleLib} from "./libraries/MerkleLib.sol";
import {MessageLib} from "./libraries/MessageLib.sol";

/// @title Openings
/// @notice See {IOpenings}.
/// @dev Holds nothing and may be deployed by anyone. Its calls are long and their execution short, so what they cost is
/// their bytes: what can be computed is not asked for.
contract Openings is IOpenings {
    /// @dev The settlement's own: seconds of one slot of the ring.
    uint256 private constant INTERVAL = 900;
    uint256 private constant RECEIPT = 35; // units, work hash
    uint256 private constant UNITS = 3;
    uint256 private constant RECORD = 16;
    uint256 private constant CHUNK_RECORDS = 16;
    uint256 private constant LINK = 68; // root, facts root, time
    uint256 private constant STREAM_LINK = 52; // tally hash, record, time
    uint256 private constant BLOB_ROW = 34; // versioned hash, groups

    /// @inheritdoc IOpenings
    ISettlement public immutable SETTLEMENT;

    constructor(ISettlement settlement) {
        SETTLEMENT = settlement;
    }

    /// @inheritdoc IOpenings
    function proveGroup(
        Inclusion calldata inclusion,
        bytes32 segment
    ) external view returns (SettledGroup memory group) {
        return _open(inclusion, segment);
    }

    /// @inheritdoc IOpenings
    function proveSettled(
        Inclusion calldata inclusion,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt) {
        group = _open(inclusion, keccak256(receipts));
        receipt = _receiptOf(group, receipts, index);
    }

    /// @inheritdoc IOpenings
    function proveRecorded(
        Entry calldata entry,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt) {
        group.dealKey = entry.dealKey;
        group.stream = entry.stream;
        group.first = entry.first;
        group.count = entry.count;
        group.total = entry.units;
        group.segment = keccak256(receipts);
        group.time = entry.time;
        _requireInRecord(entry, _hashOf(group));
        _setFacts(group, uint128(entry.facts));
        receipt = _receiptOf(group, receipts, index);
    }

    /// @inheritdoc IOpenings
    function proveVoid(
        Inclusion calldata inclusion,
        bytes32 segment,
        BlobOpening calldata opening
    ) external view returns (SettledGroup memory group, Void fault) {
        group = _open(inclusion, segment);
        // no bytes hash to the zero of a batch without blobs
        require(keccak256(opening.blobs) == inclusion.blobs, OpeningsOtherBlobs());
        (bytes32 versionedHash, uint256 groups, uint256 within) = _blobOf(opening.blobs, inclusion.index);
        fault = _judge(opening, versionedHash, groups, within, segment);
    }

    function _open(Inclusion calldata inclusion, bytes32 segment) private view returns (SettledGroup memory group) {
        (uint256 index, uint256 groups) = (inclusion.index, inclusion.groups);
        require(index < groups, OpeningsNoSuchGroup(index, groups));
        group.dealKey = inclusion.dealKey;
        group.stream = inclusion.stream;
        group.first = inclusion.first;
        group.count = inclusion.count;
        group.total = inclusion.units;
        group.segment = segment;
        group.time = inclusion.time;
        bytes32 top = _topOf(inclusion.leaves, inclusion.path, _hashOf(group), index, groups);
        group.root = keccak256(abi.encode(inclusion.mode, groups, top, inclusion.blobs));
        bytes calldata records = inclusion.facts;
        _requireInRing(inclusion, group.root, _factsRootOf(records, inclusion.factsPath, index, groups));
        uint256 offset = RECORD * (index % CHUNK_RECORDS);
        _setFacts(group, uint128(bytes16(records[offset:offset + RECORD])));
    }

    function _requireInRing(Inclusion calldata inclusion, bytes32 root, bytes32 factsRoot) private view {
        bytes26 chain = bytes26(keccak256(abi.encodePacked(inclusion.chain, root, factsRoot, inclusion.time)));
        bytes calldata later = inclusion.later;
        require(later.length % LINK == 0, OpeningsBadLinks(later.length));
        for (uint256 offset = 0; offset < later.length; offset += LINK) {
            chain = bytes26(keccak256(abi.encodePacked(chain, later[offset:offset + LINK])));
        }
        uint256 interval = inclusion.time / INTERVAL;
        (bytes26 kept, ) = SETTLEMENT.intervalChain(uint32(interval));
        require(chain == kept, OpeningsNotInRing(interval));
    }

    function _requireInRecord(Entry calldata entry, bytes32 leaf) private view {
        bytes27 chain = bytes27(keccak256(abi.encodePacked(entry.chain, leaf, entry.facts, entry.time)));
        bytes calldata later = entry.later;
        require(later.length % STREAM_LINK == 0, OpeningsBadLinks(later.length));
        for (uint256 offset = 0; offset < later.length; offset += STREAM_LINK) {
            chain = bytes27(keccak256(abi.encodePacked(chain, later[offset:offset + STREAM_LINK])));
        }
        (bytes27 kept, ) = SETTLEMENT.streamRecord(entry.dealId, entry.stream);
        require(chain == kept, OpeningsNotInRecord(entry.dealId, entry.stream));
    }

    /// @param groups Groups of the blob.
    /// @param within Groups of the blob before the one in question.
    function _judge(
        BlobOpening calldata opening,
        bytes32 versionedHash,
        uint256 groups,
        uint256 within,
        bytes32 segment
    ) private view returns (Void) {
        uint256 entries = within == 0 ? 1 : 2;
        require(
            opening.entries.length == entries &&
                opening.commitment.length == BlobLib.POINT &&
                opening.proofs.length == BlobLib.POINT * (entries + opening.elements.length),
            OpeningsIncomplete()
        );
        uint256 start = groups;
        for (uint256 i = 0; i < entries; ++i) {
            uint256 index = within + 1 + i - entries;
            _verify(opening, versionedHash, index, opening.entries[i], i);
            if (index != within) start = BlobLib.endOf(BlobLib.entryOf(opening.entries[i]));
        }
        BlobLib.Entry memory entry = BlobLib.entryOf(opening.entries[entries - 1]);
        if (!BlobLib.holds(entry, start)) return Void.Entry;

        uint256 count = BlobLib.elementsFor(entry.length);
        uint256 opened = opening.elements.length;
        require(opening.skip + opened <= count, OpeningsIncomplete());
        for (uint256 i = 0; i < opened; ++i) {
            bytes32 element = opening.elements[i];
            _verify(opening, versionedHash, start + opening.skip + i, element, entries + i);
            if (!BlobLib.isCanonical(element, opening.skip + i, entry.length)) return Void.Element;
        }
        require(opened == count, OpeningsIncomplete());
        require(BlobLib.hash(opening.elements, entry.length) != segment, OpeningsNothingWrong());
        return Void.Bytes;
    }

    /// @param proof Which of the opening's proofs.
    function _verify(
        BlobOpening calldata opening,
        bytes32 versionedHash,
        uint256 index,
        bytes32 element,
        uint256 proof
    ) private view {
        uint256 offset = BlobLib.POINT * proof;
        bytes calldata point = opening.proofs[offset:offset + BlobLib.POINT];
        require(BlobLib.verify(versionedHash, opening.commitment, index, element, point), OpeningsBadProof(index));
    }

    function _setFacts(SettledGroup memory group, uint128 record) private pure {
        group.outcome = Outcome(record >> 120);
        group.cursor = uint24(record >> 96);
        group.units = uint40(record >> 56);
        group.amount = uint56(record);
    }

    function _hashOf(SettledGroup memory group) private pure returns (bytes32) {
        return
            MessageLib.tallyHash(
                group.dealKey,
                group.stream,
                group.first,
                group.count,
                group.total,
                group.segment
            );
    }

    /// @dev The number of groups says how many hashes a chunk has.
    function _topOf(
        bytes calldata leaves,
        bytes32[] calldata path,
        bytes32 leaf,
        uint256 index,
        uint256 groups
    ) private pure returns (bytes32) {
        uint256 chunk = index / MerkleLib.CHUNK;
        uint256 chunks = (groups + MerkleLib.CHUNK - 1) / MerkleLib.CHUNK;
        uint256 size = 32 * (chunk + 1 < chunks ? MerkleLib.CHUNK : groups - MerkleLib.CHUNK * chunk);
        uint256 offset = 32 * (index % MerkleLib.CHUNK);
        bool isThere = leaves.length == size && bytes32(leaves[offset:offset + 32]) == leaf;
        require(isThere, OpeningsBadLeaves(leaves.length));
        return _climb(keccak256(leaves), chunk, chunks, path);
    }

    /// @dev The number of groups, which the batch's root binds, says how many records a chunk has.
    function _factsRootOf(
        bytes calldata records,
        bytes32[] calldata path,
        uint256 index,
        uint256 groups
    ) private pure returns (bytes32) {
        uint256 chunk = index / CHUNK_RECORDS;
        uint256 chunks = (groups + CHUNK_RECORDS - 1) / CHUNK_RECORDS;
        uint256 size = RECORD * (chunk + 1 < chunks ? CHUNK_RECORDS : groups - CHUNK_RECORDS * chunk);
        require(records.length == size, OpeningsBadFacts(records.length));
        return _climb(keccak256(records), chunk, chunks, path);
    }

    function _climb(
        bytes32 leaf,
        uint256 index,
        uint256 count,
        bytes32[] calldata path
    ) private pure returns (bytes32 root) {
        bool fits;
        (root, fits) = MerkleLib.climb(leaf, index, count, path);
        require(fits, OpeningsBadPath());
    }

    function _receiptOf(
        SettledGroup memory group,
        bytes calldata receipts,
        uint24 index
    ) private pure returns (Receipt memory receipt) {
        require(group.outcome <= Outcome.Clamped, OpeningsNotMoved(group.outcome));
        require(index >= group.cursor && index < group.count, OpeningsNotPaid(index, group.cursor, group.count));
        // of a blob's bytes the settlement knows nothing but their hash
        require(receipts.length == RECEIPT * (group.count - group.first), OpeningsMalformedReceipts());
        uint256 offset = RECEIPT * (index - group.first);
        uint24 units = uint24(bytes3(receipts[offset:offset + UNITS]));
        require(units != 0, OpeningsMalformedReceipts());
        bytes32 workHash = bytes32(receipts[offset + UNITS:offset + RECEIPT]);
        return Receipt({index: index, units: units, workHash: workHash});
    }

    /// @notice The blob that holds group `index` of a batch, its number of groups, and those before this one.
    function _blobOf(
        bytes calldata blobs,
        uint256 index
    ) private pure returns (bytes32 versionedHash, uint256 groups, uint256 within) {
        within = index;
        groups = 0;
        uint256 offset = 0;
        while (within >= groups) {
            within -= groups;
            versionedHash = bytes32(blobs[offset:offset + 32]);
            groups = uint16(bytes2(blobs[offset + 32:offset + BLOB_ROW]));
            offset += BLOB_ROW;
        }
    }
}
