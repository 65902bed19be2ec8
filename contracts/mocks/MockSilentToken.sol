// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MockSilentToken
/// @notice Token that takes every call it does not know for a success, as some old ones do. For tests only.
contract MockSilentToken {
    fallback() external {}

    /// @notice Digits behind the point.
    function decimals() external pure returns (uint8) {
        return 6;
    }

    /// @notice Nobody holds any.
    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }
}
