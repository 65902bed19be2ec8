// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Named one by one they would count as unused: nearly all are used in assembly only.
// solhint-disable-next-line no-global-import
import "../types/Run.sol";
import {MessageLib} from "./MessageLib.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// @title TallyLib
/// @notice Struct hash, digest and signer of tally after tally, in the memory that belongs to a {Run}: what is constant
/// is written once.
/// @dev `MessageLib` says the same in single functions; both are run against each other.
library TallyLib {
    /// @notice Signer of the tally hashed last, by the signature at calldata offset `offset`; 0 if there is none. See
    /// {SignatureLib-recoverAt}.
    function signer(uint256 offset) internal view returns (uint256 result) {
        // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
        uint256 halfOrder = SignatureLib.HALF_ORDER;
        assembly ("memory-safe") {
            mstore(RECOVERY, keccak256(DIGEST, 0x42))
            let vs := calldataload(add(offset, 32))
            let s := and(vs, 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff)
            mstore(RECOVERY_V, add(27, shr(255, vs)))
            mstore(RECOVERY_R, calldataload(offset))
            mstore(RECOVERY_S, s)
            mstore(0x00, 0)
            pop(staticcall(gas(), 1, RECOVERY, 0x80, 0x00, 0x20))
            result := mul(mload(0x00), iszero(gt(s, halfOrder)))
        }
    }

    /// @notice Prepares for tallies of one domain. Assumes that a run was opened.
    function open(bytes32 domain) internal pure {
        bytes32 typehash = MessageLib.TALLY_TYPEHASH;
        assembly ("memory-safe") {
            mstore(TALLY, typehash)
            mstore(DIGEST, hex"1901")
            mstore(DIGEST_DOMAIN, domain)
        }
    }

    /// @notice Takes a deal's key for the groups to come.
    function setKey(bytes32 key) internal pure {
        assembly ("memory-safe") {
            mstore(TALLY_KEY, key)
        }
    }

    /// @notice Struct hash of a tally of the deal whose key was set last, see {MessageLib-tallyHash}.
    /// @param head The group's first 32 bytes, see {BatchLib}.
    function hash(uint256 head, bytes32 segment) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let first := and(shr(120, head), 0xffffff)
            mstore(TALLY_STREAM, and(shr(216, head), 63))
            mstore(TALLY_FIRST, first)
            mstore(TALLY_COUNT, add(first, and(shr(104, head), 0xffff)))
            mstore(TALLY_UNITS, and(shr(64, head), 0xffffffffff))
            mstore(TALLY_SEGMENT, segment)
            result := keccak256(TALLY, 0xe0)
            mstore(DIGEST_HASH, result)
        }
    }

    /// @notice Whether a worker's row (provider id ‖ key) is not that of `provider` and `recovered`, or nobody signed.
    function isRefused(uint256 row, uint256 provider, uint256 recovered) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := or(iszero(recovered), xor(row, or(shl(160, provider), recovered)))
        }
    }
}
