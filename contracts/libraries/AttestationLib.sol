// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {Epoch} from "../types/Epoch.sol";
import {CommitteePages} from "./CommitteePages.sol";
import {MessageLib} from "./MessageLib.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// @title AttestationLib
/// @notice Checks the committee's attestations: `epoch (4) ‖ claims (1) ‖ bitmap (4) ‖ signatures (64 each)`, one
/// signature for each bit of the bitmap, lowest first.
library AttestationLib {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256("Attestation(uint32 epoch,bytes32 root,uint8 claims)");
    bytes32 private constant NAME_HASH = keccak256("Tallystick Committee");
    bytes32 private constant VERSION_HASH = keccak256("1");
    uint256 private constant HEADER = 9;
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Reverts unless enough members of `epoch`, and nobody else, attest `root`.
    /// @dev Asks neither whether the epoch is valid now nor whether the attestation names it: see {epochOf}.
    /// @param domain Domain separator of the committee, see {domainOf}.
    /// @return claims What is claimed.
    /// @return bitmap Who attests: bit i, lowest first, is member i.
    function verify(
        Epoch epoch,
        bytes32 domain,
        bytes32 root,
        bytes calldata attestation
    ) internal view returns (uint256 claims, uint256 bitmap) {
        uint256 begin;
        (claims, bitmap, begin) = _header(attestation);
        (uint256 left, uint256 end) = _recoverAll(
            MessageLib.digest(domain, structHash(epoch.number(), root, claims)),
            bitmap,
            begin,
            CommitteePages.load(epoch.page(), epoch.members())
        );
        unchecked {
            // Every bit has its signature, the bytes end with the last one, and the bits are enough and all members'.
            bool whole = left | (bitmap >> epoch.members()) == 0 && end - begin + HEADER == attestation.length;
            if (!whole || end - begin < epoch.threshold() * SignatureLib.SIZE) {
                _refuse(epoch, bitmap, left, attestation.length);
            }
        }
    }

    /// @notice Domain separator of the committee at `committee` on this chain.
    function domainOf(address committee) internal view returns (bytes32 domain) {
        (bytes32 typehash, bytes32 name, bytes32 version) = (DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH);
        // abi.encode of the five words in scratch memory past the free pointer, which is not moved.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, typehash)
            mstore(add(at, 0x20), name)
            mstore(add(at, 0x40), version)
            mstore(add(at, 0x60), chainid())
            mstore(add(at, 0x80), committee)
            domain := keccak256(at, 0xa0)
        }
    }

    /// @notice The epoch an attestation names; it may be any number.
    function epochOf(bytes calldata attestation) internal pure returns (uint256 epoch) {
        require(attestation.length >= HEADER, ICommittee.CommitteeMalformedAttestation(attestation.length));
        assembly ("memory-safe") {
            epoch := shr(224, calldataload(attestation.offset))
        }
    }

    /// @notice EIP-712 struct hash of what members sign.
    function structHash(uint256 epoch, bytes32 root, uint256 claims) internal pure returns (bytes32 hash) {
        bytes32 typehash = ATTESTATION_TYPEHASH;
        // abi.encode of the four words in scratch memory past the free pointer, which is not moved.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, typehash)
            mstore(add(at, 0x20), epoch)
            mstore(add(at, 0x40), root)
            mstore(add(at, 0x60), claims)
            hash := keccak256(at, 0x80)
        }
    }

    /// @dev Recovers one signature after the other and compares each with the member of its bit.
    /// @param offset Calldata offset of the first signature; what stands behind the last one is never taken for right.
    /// @param signers Memory position of member 0, see {CommitteePages}.
    /// @return left Bits from the first wrong signature on; 0 if all are right.
    /// @return end Calldata offset behind the last right signature.
    function _recoverAll(
        bytes32 digest,
        uint256 bitmap,
        uint256 offset,
        uint256 signers
    ) private view returns (uint256 left, uint256 end) {
        // Scratch: 128 bytes from the free memory pointer on, not reserved, which are the input digest, v, r, s of
        // ecrecover; its answer goes to 0x00. It answers with no bytes where there is no signer, which leaves the
        // member before this one at 0x00, or zero: no member's address stands in a page twice, nor is any zero.
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            mstore(scratch, digest)
            mstore(0x00, 0)
            left := bitmap
            end := offset
            for {} left {
                left := and(left, sub(left, 1))
                end := add(end, 64)
            } {
                calldatacopy(add(scratch, 0x40), end, 64)
                let vs := mload(add(scratch, 0x60))
                let s := shr(1, shl(1, vs))
                mstore(add(scratch, 0x20), add(27, shr(255, vs)))
                mstore(add(scratch, 0x60), s)
                pop(staticcall(gas(), 1, scratch, 0x80, 0x00, 0x20))
                let member := sub(255, clz(and(left, sub(0, left)))) // place of the lowest bit
                if or(gt(s, HALF_ORDER), xor(mload(0x00), shr(96, mload(add(signers, mul(20, member)))))) {
                    break
                }
            }
        }
    }

    /// @dev Says what is wrong with an attestation that does not hold.
    function _refuse(Epoch epoch, uint256 bitmap, uint256 left, uint256 length) private pure {
        uint256 count = _ones(bitmap);
        require(
            length == HEADER + count * SignatureLib.SIZE && bitmap >> epoch.members() == 0,
            ICommittee.CommitteeMalformedAttestation(length)
        );
        require(count >= epoch.threshold(), ICommittee.CommitteeBelowThreshold(count, epoch.threshold()));
        revert ICommittee.CommitteeBadSignature(count - _ones(left));
    }

    /// @dev Assumes at least HEADER bytes. `begin` is the calldata offset of the first signature.
    function _header(bytes calldata attestation) private pure returns (uint256 claims, uint256 bitmap, uint256 begin) {
        uint256 word;
        assembly ("memory-safe") {
            word := calldataload(attestation.offset)
            begin := add(attestation.offset, HEADER)
        }
        return (uint8(word >> 216), uint32(word >> 184), begin);
    }

    /// @dev Number of ones among 32 bits: sums of pairs, of fours, of bytes, then of all bytes in the topmost.
    function _ones(uint256 bits) private pure returns (uint256) {
        unchecked {
            bits -= (bits >> 1) & 0x55555555;
            bits = (bits & 0x33333333) + ((bits >> 2) & 0x33333333);
            bits = (bits + (bits >> 4)) & 0x0f0f0f0f;
            return uint8((bits * 0x01010101) >> 24);
        }
    }
}
