// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Promises} from "./base/Promises.sol";
import {Vouchers} from "./base/Vouchers.sol";
import {Witnesses} from "./base/Witnesses.sol";
import {WrongNets} from "./base/WrongNets.sol";
import {INetProofs} from "./interfaces/INetProofs.sol";
import {IOpenings} from "./interfaces/IOpenings.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";

/// @title Oversight
/// @notice See {IOversight}.
/// @dev Holds no money. One of the courts the registry names.
contract Oversight is Vouchers, Promises, WrongNets {
    constructor(
        ITallystick settlement,
        IOpenings openings,
        INetProofs netProofs
    ) Witnesses(settlement, openings) WrongNets(netProofs) {}
}
