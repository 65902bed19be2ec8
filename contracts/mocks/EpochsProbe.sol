// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Epochs} from "../base/Epochs.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";

/// @title EpochsProbe
/// @notice Checks attestations the way the settlement does. For tests only.
contract EpochsProbe is Epochs {
    event Verified(uint8 claims, uint256 gas);

    constructor(ICommittee committee) Epochs(committee) {}

    /// @notice Tells what is claimed and the gas that checking took.
    function settle(bytes32 root, bytes calldata authority) external {
        uint256 before = gasleft();
        uint8 claims = _verifyAttestation(root, authority);
        emit Verified(claims, before - gasleft());
    }

    function verify(bytes32 root, bytes calldata authority) external view returns (uint8 claims) {
        return _verifyAttestation(root, authority);
    }
}
