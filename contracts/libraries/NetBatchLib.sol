// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Lane, Mode} from "../interfaces/ITypes.sol";

/// @title NetBatchLib
/// @notice Reads the bytes of a net batch:
/// `02 ‖ lane 01 ‖ until (4) ‖ queue index (4) ‖ new net root (32) ‖ blobs (1) ‖ [groups (2) ‖ deals (2)] × blobs
/// ‖ providers (2) ‖ buyers (2) ‖ [provider id (4) ‖ net (7)]* ‖ [buyer's index (4) ‖ net (7)]*`.
/// @dev `protocol/net-batch.ts` writes and reads the same.
library NetBatchLib {
    /// @notice What stands before the nets.
    /// @param until Last second on the protocol clock at which it may be settled.
    /// @param queueTo Announced groups below this index were looked at.
    /// @param root Net root after it.
    /// @param blobs Number of blobs.
    /// @param groups Group records in all blobs.
    /// @param deals Deal records in all blobs.
    /// @param providers Number of providers' nets.
    /// @param buyers Number of buyers' nets.
    /// @param netsAt Position of the first net.
    struct Head {
        uint256 until;
        uint256 queueTo;
        bytes32 root;
        uint256 blobs;
        uint256 groups;
        uint256 deals;
        uint256 providers;
        uint256 buyers;
        uint256 netsAt;
    }

    /// @notice Bytes of one net: `id or index (4) ‖ amount (7)`.
    uint256 internal constant NET = 11;
    /// @notice Most blobs of a batch.
    uint256 internal constant MAX_BLOBS = 6;
    /// @notice Elements of one group record.
    uint256 internal constant GROUP = 5;
    /// @notice Elements of one deal record.
    uint256 internal constant DEAL = 2;
    uint256 private constant ELEMENTS = 4096;
    uint256 private constant TABLE = 43;
    uint256 private constant ROW = 4;

    /// @notice Reads everything before the nets and reverts unless the bytes are a net batch.
    function read(bytes calldata batch) internal pure returns (Head memory head) {
        unchecked {
            // No offset is above 43 + 24 + 4 + 11 * 2^17.
            _require(batch.length > TABLE, batch.length);
            uint256 word = _word(batch, 0);
            _require(word >> 248 == uint256(Mode.Net), 0);
            _require(uint8(word >> 240) == uint256(Lane.Attested), 1);
            head.until = uint32(word >> 208);
            head.queueTo = uint32(word >> 176);
            head.root = bytes32(_word(batch, 10));
            head.blobs = uint8(batch[TABLE - 1]);
            uint256 offset = TABLE + ROW * head.blobs;
            _require(head.blobs <= MAX_BLOBS && batch.length >= offset + 4, TABLE - 1);
            for (uint256 blob = 0; blob < head.blobs; ++blob) {
                (uint256 groups, uint256 deals) = rowAt(batch, blob);
                uint256 elements = GROUP * groups + DEAL * deals;
                _require(elements != 0 && elements <= ELEMENTS, TABLE + ROW * blob);
                head.groups += groups;
                head.deals += deals;
            }
            word = _word(batch, offset);
            (head.providers, head.buyers) = (word >> 240, uint16(word >> 224));
            head.netsAt = offset + 4;
            _require(batch.length == head.netsAt + NET * (head.providers + head.buyers), batch.length);
        }
    }

    /// @notice Group and deal records of a blob.
    /// @dev Assumes the batch has such a blob.
    function rowAt(bytes calldata batch, uint256 blob) internal pure returns (uint256 groups, uint256 deals) {
        uint256 word = _word(batch, TABLE + ROW * blob);
        return (word >> 240, uint16(word >> 224));
    }

    /// @notice Whose the net at `position` of the bytes is, and its amount.
    /// @dev Assumes there is one.
    function netAt(bytes calldata batch, uint256 position) internal pure returns (uint256 whose, uint256 amount) {
        uint256 word = _word(batch, position);
        return (word >> 224, (word >> 168) & type(uint56).max);
    }

    /// @notice What members attest and the ring keeps.
    /// @param blobs Hash of the packed versioned hashes.
    /// @param previous Net root before it.
    /// @param queueFrom Announced groups below this index were looked at before.
    function rootOf(
        bytes calldata batch,
        bytes32 blobs,
        bytes32 previous,
        uint256 queueFrom
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(Mode.Net, keccak256(batch), blobs, previous, queueFrom));
    }

    function _word(bytes calldata batch, uint256 position) private pure returns (uint256 word) {
        // What stands behind the batch is never taken for part of it.
        assembly ("memory-safe") {
            word := calldataload(add(batch.offset, position))
        }
    }

    function _require(bool holds, uint256 position) private pure {
        require(holds, ISettlement.SettlementMalformedBatch(position));
    }
}
