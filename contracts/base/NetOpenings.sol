// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {INetProofs} from "../interfaces/INetProofs.sol";
import {ITallystick} from "../interfaces/ITallystick.sol";
import {BlobLib} from "../libraries/BlobLib.sol";
import {NetBatchLib} from "../libraries/NetBatchLib.sol";
import {NetRecordLib} from "../libraries/NetRecordLib.sol";

/// @title NetOpenings
/// @notice Opens net batches from the ring, and records from their blobs.
abstract contract NetOpenings is INetProofs {
    uint256 internal constant GROUP_ELEMENTS = 5;
    uint256 internal constant DEAL_ELEMENTS = 2;
    uint256 private constant INTERVAL = 900;
    uint256 private constant LINK = 68; // root, facts root, time

    /// @inheritdoc INetProofs
    ITallystick public immutable SETTLEMENT;

    constructor(ITallystick settlement) {
        SETTLEMENT = settlement;
    }

    /// @notice Reverts unless the batch stands in the ring.
    function _openBatch(NetBatch calldata batch) internal view returns (bytes32 root, NetBatchLib.Head memory head) {
        head = NetBatchLib.read(batch.batch);
        bytes32 blobs = keccak256(abi.encodePacked(batch.versionedHashes));
        root = NetBatchLib.rootOf(batch.batch, blobs, batch.previous, batch.queueFrom);
        bytes26 chain = bytes26(keccak256(abi.encodePacked(batch.chain, root, bytes32(0), batch.time)));
        bytes calldata later = batch.later;
        require(later.length % LINK == 0, NetProofsIncomplete());
        for (uint256 offset = 0; offset < later.length; offset += LINK) {
            chain = bytes26(keccak256(abi.encodePacked(chain, later[offset:offset + LINK])));
        }
        uint256 interval = batch.time / INTERVAL;
        (bytes26 kept, ) = SETTLEMENT.intervalChain(uint32(interval));
        require(chain == kept, NetProofsNotInRing(interval));
    }

    /// @notice A group's record, of which the first `count` elements are opened.
    function _openGroup(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Record calldata record,
        uint256 count
    ) internal view returns (NetRecordLib.Group memory) {
        _openRecord(batch, head, Side.Providers, record, count);
        return NetRecordLib.group(record.elements);
    }

    /// @notice A deal's record, of which the first `count` elements are opened.
    function _openDeal(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Record calldata record,
        uint256 count
    ) internal view returns (NetRecordLib.Deal memory) {
        _openRecord(batch, head, Side.Buyers, record, count);
        return NetRecordLib.deal(record.elements);
    }

    /// @notice What runs and totals are told by: whose record it is, its sort key, its amount and its total.
    function _openKey(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        Record calldata record,
        uint256 count
    ) internal view returns (uint256 whose, uint256 key, uint256 amount, uint256 total) {
        if (side == Side.Providers) {
            NetRecordLib.Group memory group = _openGroup(batch, head, record, count);
            return (group.provider, group.number, group.amount, group.total);
        }
        NetRecordLib.Deal memory deal = _openDeal(batch, head, record, count);
        return (deal.buyer, deal.id, deal.amount, deal.total);
    }

    function _openRecord(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        Record calldata record,
        uint256 count
    ) internal view {
        require(record.elements.length == count, NetProofsIncomplete());
        (uint256 blob, uint256 element) = _placeOf(batch, head, side, record.index);
        _openElements(batch.versionedHashes[blob], record.commitment, element, record.elements, record.proofs);
    }

    /// @param first Which of the blob's elements is the first of these.
    function _openElements(
        bytes32 versionedHash,
        bytes calldata commitment,
        uint256 first,
        bytes32[] calldata elements,
        bytes calldata proofs
    ) internal view {
        bool whole = proofs.length == BlobLib.POINT * elements.length && commitment.length == BlobLib.POINT;
        require(whole, NetProofsIncomplete());
        for (uint256 i = 0; i < elements.length; ++i) {
            bytes calldata proof = proofs[BlobLib.POINT * i:BlobLib.POINT * (i + 1)];
            bool holds = BlobLib.verify(versionedHash, commitment, first + i, elements[i], proof);
            require(holds, NetProofsBadProof(first + i));
        }
    }

    /// @notice The blob of record `index` of its kind, and the record's first element there.
    function _placeOf(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        uint256 index
    ) internal pure returns (uint256 blob, uint256 element) {
        uint256 left = index;
        for (; blob < head.blobs; ++blob) {
            (uint256 groups, uint256 deals) = NetBatchLib.rowAt(batch.batch, blob);
            if (side == Side.Providers) {
                if (left < groups) return (blob, GROUP_ELEMENTS * left);
                left -= groups;
            } else {
                if (left < deals) return (blob, GROUP_ELEMENTS * groups + DEAL_ELEMENTS * left);
                left -= deals;
            }
        }
        revert NetProofsNoSuchRecord(index, _records(head, side));
    }

    function _records(NetBatchLib.Head memory head, Side side) internal pure returns (uint256) {
        return side == Side.Providers ? head.groups : head.deals;
    }
}
