// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Offer} from "../interfaces/ITypes.sol";
import {BatchLib} from "../libraries/BatchLib.sol";
import {MerkleLib} from "../libraries/MerkleLib.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {WorkerPages} from "../libraries/WorkerPages.sol";
import {ReferenceBatchLib} from "../reference/ReferenceBatchLib.sol";

/// @title LibraryProbe
/// @notice Opens the libraries to tests. For tests only.
/// @dev Every call first fills the memory past the free pointer, so that code which trusts it to be zero shows.
contract LibraryProbe {
    modifier dirtyMemory() {
        assembly ("memory-safe") {
            let free := mload(0x40)
            for {
                let i := 0
            } lt(i, 1024) {
                i := add(i, 32)
            } {
                mstore(add(free, i), not(i))
            }
            mstore(0x00, not(0))
            mstore(0x20, not(0))
        }
        _;
    }

    function recover(bytes32 digest_, bytes calldata signature) external view dirtyMemory returns (address) {
        return SignatureLib.recover(digest_, signature);
    }

    function pageRow(address page, uint256 row) external view dirtyMemory returns (uint256 provider, address key) {
        return WorkerPages.memberAt(page, row);
    }

    function sum(bytes calldata data, uint256 count) external pure dirtyMemory returns (uint256 units) {
        return BatchLib.sum(_offset(data), count);
    }

    function hash(bytes calldata data) external pure dirtyMemory returns (bytes32 result) {
        return BatchLib.hash(_offset(data), data.length);
    }

    function root(bytes32[] calldata leaves) external pure dirtyMemory returns (bytes32) {
        bytes32[] memory copy = leaves;
        uint256 first;
        assembly ("memory-safe") {
            first := add(copy, 32)
        }
        return MerkleLib.rootInPlace(first, copy.length);
    }

    function offerHash(Offer calldata offer) external pure dirtyMemory returns (bytes32) {
        return MessageLib.offerHash(offer);
    }

    function tallyHash(
        bytes32 key,
        uint256 stream,
        uint256 first,
        uint256 count,
        uint256 units,
        bytes32 segment
    ) external pure dirtyMemory returns (bytes32) {
        return MessageLib.tallyHash(key, stream, first, count, units, segment);
    }

    function acknowledgementHash(
        bytes32 key,
        uint256 stream,
        uint256 count,
        uint256 units,
        bytes32 segment
    ) external pure dirtyMemory returns (bytes32) {
        return MessageLib.acknowledgementHash(key, stream, count, units, segment);
    }

    function forceHash(bytes32 batchRoot, address sender) external pure dirtyMemory returns (bytes32) {
        return MessageLib.forceHash(batchRoot, sender);
    }

    function promiseHash(bytes32 tally, uint32 before) external pure dirtyMemory returns (bytes32) {
        return MessageLib.promiseHash(tally, before);
    }

    function digest(bytes32 domain, bytes32 structHash) external pure dirtyMemory returns (bytes32) {
        return MessageLib.digest(domain, structHash);
    }

    function pageAddress(address registry, uint256 index) external pure dirtyMemory returns (address) {
        return WorkerPages.addressOf(registry, index);
    }

    function referenceDecode(bytes calldata data) external pure returns (ReferenceBatchLib.Batch memory) {
        return ReferenceBatchLib.decode(data);
    }

    function referenceBatchRoot(
        bytes calldata data,
        bytes32[] calldata keys,
        bytes32[] calldata versionedHashes
    ) external pure returns (bytes32) {
        return ReferenceBatchLib.root(ReferenceBatchLib.decode(data), keys, versionedHashes);
    }

    function referenceSum(bytes calldata data, uint256 count) external pure returns (bool, uint256) {
        return ReferenceBatchLib.sum(data, count);
    }

    function referenceRoot(bytes32[] calldata leaves) external pure returns (bytes32) {
        return ReferenceBatchLib.merkleRoot(leaves);
    }

    function _offset(bytes calldata data) private pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := data.offset
        }
    }
}
