// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPools} from "../../contracts/interfaces/IPools.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {Probe} from "./support/Probe.sol";
import {StakingHandler} from "./support/StakingHandler.sol";

/// @notice The handler, under a name that the runner finds here.
contract StakingCalls is StakingHandler {}

/// @notice What holds of stake after any calls.
contract StakingInvariantTest is Probe {
    StakingHandler private _handler;
    IStaking private _registry;

    /// @dev Read by the runner: random calls go to the handler only.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function setUp() public {
        _handler = StakingHandler(_deploy("Staking.invariant.t.sol:StakingCalls", ""));
        _handler.start();
        _registry = _handler.registry();
    }

    /// Every token that is held is somebody's: of sides, bonds, the vault, rewards.
    function invariant_EveryTokenIsSomebodys() public view {
        IRegistry.BondView memory bond = _registry.bondOf(_handler.SIGNER());
        IPools.EmissionView memory rewards = _registry.emission();
        uint256 sides = uint256(_registry.sideOf(_handler.provider()).tokens) + _pool().tokens;
        uint256 others = uint256(bond.stake) + bond.thawing + _handler.waiting() + rewards.reserve + rewards.emitted;
        vm.assertEq(_handler.token().balanceOf(address(_registry)), sides + others, "tokens");
    }

    /// Liens and what thaws are within the shares there are.
    function invariant_LiensAreWithinTheStake() public view {
        IRegistry.SideView memory side = _registry.sideOf(_handler.provider());
        IPools.PoolView memory pool = _pool();
        vm.assertLe(side.blocked - side.thawing, side.shares, "liens");
        vm.assertLe(side.thawing, side.shares, "thawing");
        vm.assertLe(side.disputed, side.blocked, "disputed");
        vm.assertLe(pool.disputed, pool.shares, "disputed of the pool");
        vm.assertLe(pool.thawing, pool.shares, "thawing of the pool");
    }

    /// A slash takes all it should, wherever the stake stands.
    function invariant_NothingEscapes() public view {
        vm.assertEq(_handler.escaped(), 0, "escaped");
    }

    /// No share is worth more by a slash, nor less by anything else.
    function invariant_PricesFallBySlashesOnly() public view {
        vm.assertEq(_handler.wrongPrices(), 0, "prices");
    }

    /// Positions are the pool, and are promised no more rewards than were emitted.
    function invariant_PositionsAreThePool() public view {
        (uint256 shares, uint256 thawing, uint256 rewards) = (0, 0, 0);
        for (uint256 i = 0; i < _handler.DELEGATORS(); ++i) {
            IPools.PositionView memory one = _registry.positionOf(_handler.provider(), _handler.delegator(i));
            (shares, thawing, rewards) = (shares + one.shares, thawing + one.thawing, rewards + one.rewards);
        }
        vm.assertEq(_pool().shares, shares + thawing, "shares");
        vm.assertEq(_pool().thawing, thawing, "thawing");
        vm.assertLe(rewards, _registry.emission().emitted, "rewards");
    }

    function _pool() private view returns (IPools.PoolView memory) {
        return _registry.poolOf(_handler.provider());
    }
}
