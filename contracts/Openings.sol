// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOpenings} from "./interfaces/IOpenings.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Outcome} from "./interfaces/ITypes.sol";
import {BlobLib} from "./libraries/BlobLib.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {PlaceLib} from "./libraries/PlaceLib.sol";

/// @title Openings
/// @notice See {IOpenings}.
/// @dev Holds nothing and may be deployed by anyone. Its calls are long and their execution short, so what they cost is
/// their bytes: what can be computed is not asked for.
contract Openings is IOpenings {
    /// @dev The settlement's own: seconds of one slot of the ring.
    uint256 private constant INTERVAL = 900;
    uint256 private constant RECEIPT = 35; // units, work hash
    uint256 private constant UNITS = 3;
    uint256 private constant LINK = 68; // root, facts root, time
    uint256 private constant STREAM_LINK = 52; // group hash, record, time
    uint256 private constant BLOB_ROW = 34; // versioned hash, groups

    /// @inheritdoc IOpenings
    ISettlement public immutable SETTLEMENT;

    constructor(ISettlement settlement) {
        SETTLEMENT = settlement;
    }

    /// @inheritdoc IOpenings
    function proveGroup(bytes calldata place, bytes32 segment) external view returns (SettledGroup memory group) {
        (group, , ) = _open(place, segment);
    }

    /// @inheritdoc IOpenings
    function proveSettled(
        bytes calldata place,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt) {
        (group, , ) = _open(place, keccak256(receipts));
        receipt = _receiptOf(group, receipts, index);
    }

    /// @inheritdoc IOpenings
    function proveRecord(bytes calldata place, bytes32 segment) external view returns (SettledGroup memory group) {
        return _openRecord(place, segment);
    }

    /// @inheritdoc IOpenings
    function proveRecorded(
        bytes calldata place,
        bytes calldata receipts,
        uint24 index
    ) external view returns (SettledGroup memory group, Receipt memory receipt) {
        group = _openRecord(place, keccak256(receipts));
        receipt = _receiptOf(group, receipts, index);
    }

    /// @inheritdoc IOpenings
    function proveVoid(
        bytes calldata place,
        bytes32 segment,
        BlobOpening calldata opening
    ) external view returns (SettledGroup memory group, Void fault) {
        bytes32 blobs;
        uint256 index;
        (group, blobs, index) = _open(place, segment);
        // no bytes hash to the zero of a batch without blobs
        require(keccak256(opening.blobs) == blobs, OpeningsOtherBlobs());
        (bytes32 versionedHash, uint256 groups, uint256 within) = _blobOf(opening.blobs, index);
        fault = _judge(opening, versionedHash, groups, within, segment);
    }

    /// @return group The group at this place of a batch in the ring.
    /// @return blobs Hash of the batch's blobs.
    /// @return index The group's index in the batch.
    function _open(
        bytes calldata place,
        bytes32 segment
    ) private view returns (SettledGroup memory group, bytes32 blobs, uint256 index) {
        (PlaceLib.BatchPlace memory head, uint256 next) = PlaceLib.readBatchPlace(_offsetOf(place));
        (blobs, index) = (head.blobs, head.index);
        require(index < head.groups, OpeningsNoSuchGroup(index, head.groups));
        group = _groupOf(head.tally, segment, head.time);
        bytes32 top;
        (top, next) = PlaceLib.groupsRoot(_hashOf(group), index, head.groups, next);
        group.root = keccak256(abi.encode(head.mode, head.groups, top, blobs));
        bytes32 factsRoot;
        uint256 record;
        (factsRoot, record, next) = PlaceLib.factsRoot(index, head.groups, next);
        bytes26 chain = bytes26(keccak256(abi.encodePacked(head.chain, group.root, factsRoot, group.time)));
        _requireInRing(chain, _linksFrom(place, next, LINK), head.time / INTERVAL);
        _setFacts(group, record);
    }

    /// @return group The forced or acknowledged group at this place of its stream's record.
    function _openRecord(bytes calldata place, bytes32 segment) private view returns (SettledGroup memory group) {
        (PlaceLib.StreamPlace memory head, uint256 next) = PlaceLib.readStreamPlace(_offsetOf(place));
        group = _groupOf(head.tally, segment, head.time);
        bytes calldata links = _linksFrom(place, next, STREAM_LINK);
        bytes27 chain = bytes27(
            keccak256(abi.encodePacked(head.chain, _hashOf(group), uint128(head.record), group.time))
        );
        for (uint256 i = 0; i < links.length; i += STREAM_LINK) {
            chain = bytes27(keccak256(abi.encodePacked(chain, links[i:i + STREAM_LINK])));
        }
        (bytes27 kept, ) = SETTLEMENT.streamRecord(uint32(head.dealId), group.stream);
        require(chain == kept, OpeningsNotInRecord(head.dealId, group.stream));
        _setFacts(group, head.record);
    }

    function _requireInRing(bytes26 chain, bytes calldata links, uint256 interval) private view {
        for (uint256 i = 0; i < links.length; i += LINK) {
            chain = bytes26(keccak256(abi.encodePacked(chain, links[i:i + LINK])));
        }
        (bytes26 kept, ) = SETTLEMENT.intervalChain(uint32(interval));
        require(chain == kept, OpeningsNotInRing(interval));
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

    function _setFacts(SettledGroup memory group, uint256 record) private pure {
        group.outcome = Outcome(record >> 120);
        group.cursor = uint24(record >> 96);
        group.unitsBefore = uint40(record >> 56);
        group.amount = uint56(record);
    }

    function _groupOf(
        PlaceLib.Tally memory tally,
        bytes32 segment,
        uint256 time
    ) private pure returns (SettledGroup memory group) {
        group.dealKey = tally.dealKey;
        group.segment = segment;
        group.stream = uint8(tally.stream);
        group.first = uint24(tally.first);
        group.count = uint24(tally.count);
        group.units = uint40(tally.units);
        group.time = uint32(time);
    }

    function _hashOf(SettledGroup memory group) private pure returns (bytes32) {
        return MessageLib.tallyHash(group.dealKey, group.stream, group.first, group.count, group.units, group.segment);
    }

    function _offsetOf(bytes calldata place) private pure returns (uint256 offset) {
        assembly ("memory-safe") {
            offset := place.offset
        }
    }

    /// @notice The links with which a place ends, `size` bytes each.
    /// @param next Offset behind everything else in it.
    function _linksFrom(bytes calldata place, uint256 next, uint256 size) private pure returns (bytes calldata links) {
        uint256 read = next - _offsetOf(place);
        require(read <= place.length && (place.length - read) % size == 0, OpeningsMalformedPlace(place.length));
        return place[read:];
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
