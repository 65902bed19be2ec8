// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {CodePages} from "./CodePages.sol";

/// @title CommitteePages
/// @notice Signers of one epoch as a code page of the committee: `00 ‖ signer (20)*`, in the order the bitmap counts.
library CommitteePages {
    uint256 internal constant SIGNER = 20;

    /// @notice Writes a page. Called by the committee only; the page of epoch n is its page n.
    function create(address[] memory signers) internal returns (address page) {
        bytes memory content;
        for (uint256 i = 0; i < signers.length; ++i) content = bytes.concat(content, bytes20(signers[i]));
        return CodePages.create(content);
    }

    /// @notice Copies the first `count` signers of a page to memory.
    /// @return position Where the first one's 20 bytes stand; the others follow.
    function load(address page, uint256 count) internal view returns (uint256 position) {
        // Memory: reserves the signers and the 12 bytes that reading the last one as a word needs, in whole words.
        assembly ("memory-safe") {
            position := mload(0x40)
            extcodecopy(page, position, 1, mul(count, 20))
            mstore(0x40, add(position, and(add(mul(count, 20), 43), not(31))))
        }
    }

    /// @notice Signer whose 20 bytes stand at `position` of the memory that {load} gave.
    function signerAt(uint256 position) internal pure returns (address signer) {
        assembly ("memory-safe") {
            signer := shr(96, mload(position))
        }
    }
}
