// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IArbiter
/// @notice Who an offer may name to rule where a result cannot be proven. Source: ERC-792, "Arbitrator".
/// @dev Trusted by those who took the offer, and by nobody else.
interface IArbiter {
    /// @notice Begins a dispute. Paid in the chain's own currency.
    /// @param choices Rulings there are; 0 is always "refused to rule".
    /// @param extraData What it is about.
    /// @return dispute Its id with the arbiter.
    function createDispute(uint256 choices, bytes calldata extraData) external payable returns (uint256 dispute);

    /// @notice What a dispute costs.
    /// @param extraData What it is about.
    /// @return cost Wei.
    function arbitrationCost(bytes calldata extraData) external view returns (uint256 cost);
}

/// @title IArbitrable
/// @notice What an arbiter tells its ruling. Source: ERC-792, "Arbitrable".
interface IArbitrable {
    /// @notice An arbiter ruled.
    /// @param arbiter Who.
    /// @param dispute Its id with the arbiter.
    /// @param ruling 0 refused, else the choice.
    event Ruling(IArbiter indexed arbiter, uint256 indexed dispute, uint256 ruling);

    /// @notice Takes a ruling. The arbiter of that dispute only, once.
    /// @param dispute Its id with the arbiter.
    /// @param ruling 0 refused, else the choice.
    function rule(uint256 dispute, uint256 ruling) external;
}
