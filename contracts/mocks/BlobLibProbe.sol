// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobLib} from "../libraries/BlobLib.sol";

/// @title BlobLibProbe
/// @notice Opens the library of blobs to tests. For tests only.
contract BlobLibProbe {
    function verify(
        bytes32 versionedHash,
        bytes calldata commitment,
        uint256 index,
        bytes32 element,
        bytes calldata proof
    ) external view returns (bool) {
        return BlobLib.verify(versionedHash, commitment, index, element, proof);
    }

    function pointOf(uint256 index) external pure returns (uint256) {
        return BlobLib.pointOf(index);
    }
}
