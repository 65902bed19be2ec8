// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "../interfaces/ICourt.sol";
import {MerkleLib} from "./MerkleLib.sol";
import {MessageLib} from "./MessageLib.sol";

/// @title WorkLib
/// @notice What a receipt's work hash was made of, and chunks of content, see docs/protocol.md.
library WorkLib {
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 dealKey,uint64 index,bytes32 inputRoot,uint48 maxUnits)"
    );
    /// @notice Bytes of one chunk of content; the last one may be shorter.
    uint256 internal constant CHUNK = 4096;
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME = keccak256("Tallystick");
    bytes32 private constant VERSION = keccak256("1");

    /// @notice EIP-712 digest of a message to a settlement.
    function digest(address settlement, bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME, VERSION, block.chainid, settlement));
        return MessageLib.digest(domain, structHash);
    }

    /// @notice Struct hash of an order of the deal with this key.
    function taskHash(bytes32 key, ICourt.Order memory order) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, key, order.index, order.inputRoot, order.maxUnits));
    }

    /// @notice Work hash of a receipt.
    function workHash(ICourt.Work calldata work) internal pure returns (bytes32) {
        bytes32 commitment = keccak256(abi.encode(work.outputRoot, work.plainHash));
        return keccak256(abi.encode(work.taskHash, commitment, work.startedAt, work.endedAt));
    }

    /// @notice Root above leaf `index` of `count` leaves by a path that is used up; zero if it does not fit.
    function climb(bytes32 leaf, uint256 index, uint256 count, bytes calldata path) internal pure returns (bytes32) {
        if (index >= count) return 0;
        uint256 offset;
        assembly ("memory-safe") {
            offset := path.offset
        }
        (bytes32 root, uint256 next) = MerkleLib.climb(leaf, index, count, offset);
        return next == offset + path.length ? root : bytes32(0);
    }

    /// @notice Data root of the content that has this chunk as number `index`, or as its last one where it has fewer;
    /// zero if the chunk has not the length that it must have.
    function dataRoot(
        uint256 index,
        uint256 length,
        bytes calldata data,
        bytes calldata path
    ) internal pure returns (bytes32) {
        uint256 count = length == 0 ? 1 : Math.ceilDiv(length, CHUNK);
        if (index >= count) index = count - 1;
        uint256 size = index == count - 1 ? length - CHUNK * index : CHUNK;
        if (data.length != size) return 0;
        // the content's last chunk has chunks of zeros behind it, so that their number is a power of two
        uint256 padded = 1 << Math.log2(count, Math.Rounding.Ceil);
        bytes32 top = climb(_chunkNode(data), index, padded, path);
        return top != 0 ? keccak256(abi.encode(length, top)) : bytes32(0);
    }

    /// @dev Root over the 128 words of a chunk of at most 4,096 bytes, zeros behind them.
    function _chunkNode(bytes calldata data) private pure returns (bytes32) {
        bytes memory chunk = new bytes(CHUNK);
        uint256 first;
        assembly ("memory-safe") {
            first := add(chunk, 32)
            calldatacopy(first, data.offset, data.length)
        }
        return MerkleLib.rootInPlace(first, CHUNK / 32);
    }
}
