// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title BlobProbe
/// @notice Tells which blobs came with its transaction. For tests only.
contract BlobProbe {
    /// @notice Versioned hashes of the first `count` blobs, zero where there is none.
    event Seen(bytes32[] hashes);

    function look(uint256 count) external {
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) hashes[i] = blobhash(i);
        emit Seen(hashes);
    }
}
