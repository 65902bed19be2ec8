// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import {Ledger} from "./base/Ledger.sol";
import {NoShows} from "./base/NoShows.sol";
import {WorkFaults} from "./base/WorkFaults.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ForwardLib} from "./libraries/ForwardLib.sol";

/// @title Faults
/// @notice See {IFaults} and {IRemedies}.
/// @dev Code only, like the desk: the settlement runs it on its own state by delegatecall. Called at its own address it
/// refuses to move anything.
contract Faults is WorkFaults, NoShows {
    /// @notice Code of netted deals, run on the settlement's state like this.
    address public immutable NETS;

    constructor(
        address authority,
        IERC20Metadata token,
        IRegistry registry,
        address nets
    ) Ledger(authority, token, registry) {
        NETS = nets;
    }

    /// @notice Every call that is not about faults goes on to the code of netted deals.
    fallback() external {
        ForwardLib.forward(NETS);
    }
}
