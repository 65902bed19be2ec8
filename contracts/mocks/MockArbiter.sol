// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IArbiter, IArbitrable} from "../interfaces/IArbiter.sol";

/// @title MockArbiter
/// @notice Rules as it is told to. For tests only.
contract MockArbiter is IArbiter {
    uint256 public cost = 1 ether;
    uint256 public disputes;
    mapping(uint256 dispute => address arbitrable) private _arbitrables;

    error MockArbiterUnpaid();

    function setCost(uint256 cost_) external {
        cost = cost_;
    }

    function createDispute(uint256, bytes calldata) external payable returns (uint256 dispute) {
        require(msg.value == cost, MockArbiterUnpaid());
        dispute = disputes++;
        _arbitrables[dispute] = msg.sender;
    }

    function rule(uint256 dispute, uint256 ruling) external {
        IArbitrable(_arbitrables[dispute]).rule(dispute, ruling);
    }

    function arbitrationCost(bytes calldata) external view returns (uint256) {
        return cost;
    }
}
