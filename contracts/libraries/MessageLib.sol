// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Offer} from "../interfaces/ITypes.sol";

/// @title MessageLib
/// @notice EIP-712 struct hashes of every message the contracts check, but attestations.
library MessageLib {
    bytes32 internal constant OFFER_TYPEHASH = keccak256(
        "Offer(address provider,uint64 nonce,bytes32 salt,bytes32 program,uint8 kind,bytes32 unit,uint64 price,"
        "uint32 rateCap,uint64 minBudget,uint64 maxBudget,uint64 total,address buyer,uint64 openingFee,"
        "uint32 maxDuration,uint32 expiry,uint8 mode,uint8 maxStreams,uint48 minExposure,address arbiter,bool panel)"
    );
    bytes32 internal constant TALLY_TYPEHASH = keccak256(
        "Tally(bytes32 dealKey,uint8 stream,uint32 first,uint32 count,uint48 units,bytes32 segment)"
    );
    bytes32 internal constant ACKNOWLEDGEMENT_TYPEHASH = keccak256(
        "Acknowledgement(bytes32 dealKey,uint8 stream,uint32 count,uint48 units,bytes32 segment)"
    );
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 dealKey,uint64 index,bytes32 inputRoot,uint48 maxUnits)"
    );
    bytes32 internal constant FORCE_TYPEHASH = keccak256("Force(bytes32 root,address sender)");
    bytes32 internal constant PROMISE_TYPEHASH = keccak256("Promise(bytes32 tally,uint32 before)");

    function offerHash(Offer calldata offer) internal pure returns (bytes32) {
        return keccak256(abi.encode(OFFER_TYPEHASH, offer));
    }

    function tallyHash(
        bytes32 key,
        uint256 stream,
        uint256 first,
        uint256 count,
        uint256 units,
        bytes32 segment
    ) internal pure returns (bytes32 result) {
        bytes32 typehash = TALLY_TYPEHASH;
        // abi.encode of the seven words in scratch memory past the free pointer, which is not moved.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, typehash)
            mstore(add(at, 0x20), key)
            mstore(add(at, 0x40), stream)
            mstore(add(at, 0x60), first)
            mstore(add(at, 0x80), count)
            mstore(add(at, 0xa0), units)
            mstore(add(at, 0xc0), segment)
            result := keccak256(at, 0xe0)
        }
    }

    function acknowledgementHash(
        bytes32 key,
        uint256 stream,
        uint256 count,
        uint256 units,
        bytes32 segment
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(ACKNOWLEDGEMENT_TYPEHASH, key, stream, count, units, segment));
    }

    /// @notice A task's hash.
    function orderHash(
        bytes32 key,
        uint256 index,
        bytes32 inputRoot,
        uint256 maxUnits
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, key, index, inputRoot, maxUnits));
    }

    function forceHash(bytes32 root, address sender) internal pure returns (bytes32) {
        return keccak256(abi.encode(FORCE_TYPEHASH, root, sender));
    }

    /// @notice Of what a committee member signs when it takes a group; under the committee's domain.
    /// @param tally Struct hash of the group's tally.
    /// @param before Second on the protocol clock by which a batch is to contain it.
    function promiseHash(bytes32 tally, uint256 before) internal pure returns (bytes32) {
        return keccak256(abi.encode(PROMISE_TYPEHASH, tally, before));
    }

    /// @notice EIP-712 digest of a struct hash.
    function digest(bytes32 domain, bytes32 structHash) internal pure returns (bytes32 result) {
        // 66 bytes in scratch memory past the free pointer, which is not moved.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, hex"1901")
            mstore(add(at, 0x02), domain)
            mstore(add(at, 0x22), structHash)
            result := keccak256(at, 0x42)
        }
    }
}
