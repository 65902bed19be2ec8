// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IBonds} from "../interfaces/IBonds.sol";
import {INets} from "../interfaces/INets.sol";
import {Permit} from "../interfaces/ITypes.sol";
import {Stakes} from "./Stakes.sol";

/// @title Bonds
/// @notice See {IBonds}.
/// @custom:invariant a slash lowers stake + thawing by what it takes, and neither below zero
abstract contract Bonds is IBonds, Stakes {
    using SafeERC20 for IERC20;

    mapping(address signer => BondView bond) private _bonds;

    modifier onlyBondOwner(address signer) {
        require(_bonds[signer].owner == msg.sender, BondsUnauthorized(signer, msg.sender));
        _;
    }

    /// @inheritdoc IBonds
    function nameBondOwner(address signer, address owner) external {
        address current = _bonds[signer].owner;
        require(msg.sender == (current == address(0) ? signer : current), BondsUnauthorized(signer, msg.sender));
        require(owner != address(0), BondsUnauthorized(signer, owner));
        _bonds[signer].owner = owner;
        emit BondOwnerNamed(signer, owner);
    }

    /// @inheritdoc IBonds
    function bond(address signer, uint96 amount, Permit calldata permit) external {
        BondView storage self = _bonds[signer];
        require(self.owner != address(0), BondsUnauthorized(signer, msg.sender));
        self.stake += amount;
        emit Bonded(signer, amount);
        _bondsChanged();
        _takeWithPermit(amount, permit);
    }

    /// @inheritdoc IBonds
    function thawBond(address signer, uint96 amount) external onlyBondOwner(signer) {
        BondView storage self = _bonds[signer];
        require(amount != 0 && amount <= self.stake, BondsInsufficient(signer, self.stake, amount));
        uint32 readyAt = _clock() + THAW;
        (self.stake, self.thawing, self.thawedAt) = (self.stake - amount, self.thawing + amount, readyAt);
        emit BondThawing(signer, amount, readyAt);
        _bondsChanged();
    }

    /// @inheritdoc IBonds
    function withdrawBond(address signer, address to) external onlyBondOwner(signer) returns (uint96 amount) {
        BondView storage self = _bonds[signer];
        uint32 now_ = _clock();
        require(self.thawedAt != 0 && now_ >= self.thawedAt, BondsTooEarly(signer, now_, self.thawedAt));
        amount = self.thawing;
        (self.thawing, self.thawedAt) = (0, 0);
        emit BondWithdrawn(signer, to, amount);
        STAKE_TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IBonds
    function bondOf(address signer) external view returns (BondView memory) {
        return _bonds[signer];
    }

    /// @dev Takes `min(asked, all there is)` of stake and thawing stake pro rata, of the thawing part rounded up.
    function _slashBond(address signer, uint256 asked) internal returns (uint256 taken) {
        BondView storage self = _bonds[signer];
        (uint256 stake, uint256 thawing) = (self.stake, self.thawing);
        taken = Math.min(asked, stake + thawing);
        if (taken == 0) return 0;
        uint256 fromThawing = Math.ceilDiv(taken * thawing, stake + thawing);
        self.stake = uint96(stake - (taken - fromThawing));
        if (thawing != 0) self.thawing = uint96(thawing - fromThawing);
    }

    /// @dev Gives back what a slash took.
    function _regrowBond(address signer, uint96 amount) internal {
        _bonds[signer].stake += amount;
        _bondsChanged();
    }

    /// @dev Pulls `amount` of the stake token from the caller.
    function _takeWithPermit(uint96 amount, Permit calldata permit) internal virtual;

    /// @dev Tells the settlement.
    function _bondsChanged() private {
        INets(settlement).refreshBonds();
    }
}
