// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IEscrow} from "../interfaces/IEscrow.sol";
import {ILedger} from "../interfaces/ILedger.sol";
import {Permit} from "../interfaces/ITypes.sol";
import {Ledger} from "./Ledger.sol";

/// @title Deposits
/// @notice Internals of paying in.
/// @custom:invariant free + locked of every account is paid for by the ledger's tokens
abstract contract Deposits is Ledger {
    using SafeERC20 for IERC20;

    function _deposit(address buyer, uint64 amount) internal {
        _credit(buyer, msg.sender, amount);
        IERC20(TOKEN).safeTransferFrom(msg.sender, address(this), amount);
        _held();
    }

    function _depositWithPermit(address buyer, uint64 amount, Permit calldata permit) internal {
        // Whoever front-runs the permit leaves the allowance it was for; without one the transfer below fails.
        try
            IERC20Permit(address(TOKEN)).permit(
                msg.sender,
                address(this),
                amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {}
        _deposit(buyer, amount);
    }

    /// @dev Books before the tokens come in; the caller must bring them and end with {_held}.
    function _credit(address buyer, address from, uint64 amount) internal {
        require(amount != 0, IEscrow.EscrowZeroAmount());
        require(buyer != address(0), ILedger.LedgerZeroAddress());
        _accounts[buyer].free += amount;
        emit IEscrow.Deposited(buyer, from, amount);
    }

    /// @dev Every token that ever comes in is counted here, so no amount of the ledger passes what its words hold.
    function _held() internal view returns (uint256 balance) {
        balance = TOKEN.balanceOf(address(this));
        require(balance <= MAX_HELD, IEscrow.EscrowFull(balance, MAX_HELD));
    }
}
