// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMachine} from "../interfaces/IMachine.sol";
import {MachineLib} from "../libraries/MachineLib.sol";

/// @title Machine
/// @notice See {IMachine}.
abstract contract Machine is IMachine {
    /// @inheritdoc IMachine
    function step(bytes calldata witness) external pure returns (bytes32 pre, bytes32 post) {
        return MachineLib.step(witness);
    }
}
