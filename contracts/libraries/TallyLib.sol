// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MessageLib} from "./MessageLib.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// @title TallyLib
/// @notice Struct hash, digest and signer of tally after tally, in one piece of memory whose constant parts are
/// written once.
/// @dev The workspace, offsets in bytes:
/// | from | to | content |
/// |---|---|---|
/// | 0x000 | 0x020 | first bytes of the group |
/// | 0x020 | 0x100 | typehash of a tally, deal key, stream, first, count, units, segment |
/// | 0x100 | 0x142 | 0x1901, domain, struct hash |
/// | 0x160 | 0x1e0 | digest, v, r, s for ecrecover |
/// `MessageLib` says the same in single functions; both are run against each other.
library TallyLib {
    uint256 private constant SIZE = 0x1e0;

    /// @notice A workspace for tallies of one domain.
    function open(bytes32 domain) internal pure returns (uint256 workspace) {
        bytes32 typehash = MessageLib.TALLY_TYPEHASH;
        bytes memory space = new bytes(SIZE);
        assembly ("memory-safe") {
            workspace := add(space, 0x20)
            mstore(add(workspace, 0x20), typehash)
            mstore(add(workspace, 0x100), hex"1901")
            mstore(add(workspace, 0x102), domain)
        }
    }

    /// @notice Takes a deal's key for the groups to come.
    function setKey(uint256 workspace, bytes32 key) internal pure {
        assembly ("memory-safe") {
            mstore(add(workspace, 0x40), key)
        }
    }

    /// @notice Struct hash of a tally of the deal whose key was set last, see {MessageLib-tallyHash}.
    /// @param head The group's first 32 bytes, see {BatchLib}.
    function hash(uint256 workspace, uint256 head, bytes32 segment) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let first := and(shr(120, head), 0xffffff)
            mstore(add(workspace, 0x60), and(shr(216, head), 63))
            mstore(add(workspace, 0x80), first)
            mstore(add(workspace, 0xa0), add(first, and(shr(104, head), 0xffff)))
            mstore(add(workspace, 0xc0), and(shr(64, head), 0xffffffffff))
            mstore(add(workspace, 0xe0), segment)
            result := keccak256(add(workspace, 0x20), 0xe0)
            mstore(add(workspace, 0x122), result)
        }
    }

    /// @notice Signer of the tally hashed last, by the signature at calldata offset `offset`; 0 if there is none. See
    /// {SignatureLib-recoverAt}.
    function signer(uint256 workspace, uint256 offset) internal view returns (uint256 result) {
        // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
        uint256 halfOrder = SignatureLib.HALF_ORDER;
        assembly ("memory-safe") {
            mstore(add(workspace, 0x160), keccak256(add(workspace, 0x100), 0x42))
            let vs := calldataload(add(offset, 32))
            let s := and(vs, 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff)
            mstore(add(workspace, 0x180), add(27, shr(255, vs)))
            mstore(add(workspace, 0x1a0), calldataload(offset))
            mstore(add(workspace, 0x1c0), s)
            mstore(0x00, 0)
            pop(staticcall(gas(), 1, add(workspace, 0x160), 0x80, 0x00, 0x20))
            result := mul(mload(0x00), iszero(gt(s, halfOrder)))
        }
    }

    /// @notice Whether a worker's row (provider id ‖ key) is not that of `provider` and `recovered`, or nobody signed.
    function isRefused(uint256 row, uint256 provider, uint256 recovered) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := or(iszero(recovered), xor(row, or(shl(160, provider), recovered)))
        }
    }
}
