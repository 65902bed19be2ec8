// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import {Deals} from "./base/Deals.sol";
import {Earnings} from "./base/Earnings.sol";
import {Escrow} from "./base/Escrow.sol";
import {Governance} from "./base/Governance.sol";
import {Ledger} from "./base/Ledger.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IPermit2} from "./interfaces/IPermit2.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ForwardLib} from "./libraries/ForwardLib.sol";

/// @title Desk
/// @notice Everything of the settlement but settling: governance, escrow, deals, earnings.
/// @dev Code only. The settlement runs it on its own state by delegatecall, because one contract may not hold both
/// (EIP-170). It can never be replaced. Called at its own address it refuses to move anything.
contract Desk is Governance, Deals, Earnings {
    /// @notice Code of faults, run on the settlement's state like this.
    address public immutable FAULTS;

    constructor(
        address authority,
        IERC20Metadata token,
        IRegistry registry,
        IPermit2 permit2,
        address faults
    ) Ledger(authority, token, registry) Escrow(permit2) {
        // Packed words hold amounts below 2^55: enough for every dollar token of few decimals, too little for others.
        require(token.decimals() <= 8, ILedger.LedgerTokenDecimals(token.decimals()));
        FAULTS = faults;
    }

    /// @notice Every call that is not the desk's own goes on to the code of faults, and from there to that of netted
    /// deals.
    fallback() external {
        ForwardLib.forward(FAULTS);
    }
}
