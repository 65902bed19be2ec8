// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IERC3009} from "../interfaces/IERC3009.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {ILedger} from "../interfaces/ILedger.sol";
import {IPermit2} from "../interfaces/IPermit2.sol";
import {Permit} from "../interfaces/ITypes.sol";
import {Deposits} from "./Deposits.sol";

/// @title Escrow
/// @notice See {IEscrow}.
abstract contract Escrow is IEscrow, Deposits {
    using SafeERC20 for IERC20;

    bytes32 private constant WITNESS_TYPEHASH = keccak256("Deposit(address buyer)");
    string private constant WITNESS_TYPE =
        "Deposit witness)Deposit(address buyer)TokenPermissions(address token,uint256 amount)";

    /// @notice Uniswap's Permit2; an address without code where the chain has none.
    IPermit2 public immutable PERMIT2;

    constructor(IPermit2 permit2) {
        PERMIT2 = permit2;
    }

    /// @inheritdoc IEscrow
    function depositWithAuthorization(
        address from,
        address buyer,
        uint64 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        Permit calldata permit
    ) external {
        _creditHere(buyer, from, amount);
        bytes32 nonce = keccak256(abi.encode(buyer, salt));
        // The call returns nothing, and a token that swallows unknown calls would pay nothing.
        uint256 before = TOKEN.balanceOf(address(this));
        IERC3009(address(TOKEN)).receiveWithAuthorization(
            from,
            address(this),
            amount,
            validAfter,
            validBefore,
            nonce,
            permit.v,
            permit.r,
            permit.s
        );
        require(_held() == before + amount, EscrowUnpaid(amount));
    }

    /// @inheritdoc IEscrow
    function depositWithPermit2(
        address from,
        address buyer,
        uint64 amount,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        _creditHere(buyer, from, amount);
        PERMIT2.permitWitnessTransferFrom(
            IPermit2.PermitTransferFrom(IPermit2.TokenPermissions(address(TOKEN), amount), nonce, deadline),
            IPermit2.SignatureTransferDetails(address(this), amount),
            from,
            keccak256(abi.encode(WITNESS_TYPEHASH, buyer)),
            WITNESS_TYPE,
            signature
        );
        _held();
    }

    /// @inheritdoc IEscrow
    function withdraw(address to, uint64 amount) external {
        require(amount != 0, EscrowZeroAmount());
        require(to != address(0), ILedger.LedgerZeroAddress());
        _touch();
        Account storage self = _accounts[msg.sender];
        require(self.free >= amount, EscrowInsufficientFree(msg.sender, self.free, amount));
        unchecked {
            self.free -= amount; // checked above
        }
        emit Withdrawn(msg.sender, to, amount);

        IERC20(TOKEN).safeTransfer(to, amount);
    }

    /// @inheritdoc IEscrow
    function account(address buyer) external view returns (uint64 free, uint64 locked, uint64 nonce) {
        Account memory self = _accounts[buyer];
        return (self.free, self.locked, self.nonce);
    }

    /// @dev The desk itself never started a clock, and would keep what is paid to it for ever.
    function _creditHere(address buyer, address from, uint64 amount) private {
        _touch();
        _credit(buyer, from, amount);
    }
}
