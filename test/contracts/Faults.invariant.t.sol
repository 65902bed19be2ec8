// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEarnings} from "../../contracts/interfaces/IEarnings.sol";
import {IPools} from "../../contracts/interfaces/IPools.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IStaking} from "../../contracts/interfaces/IStaking.sol";
import {ITallystick} from "../../contracts/interfaces/ITallystick.sol";
import {FaultHandler} from "./support/FaultHandler.sol";
import {Market} from "./support/Market.sol";
import {Probe} from "./support/Probe.sol";

/// @notice The handler, under a name that the runner finds here.
contract FaultyHandler is FaultHandler {}

/// @notice What holds whatever is signed wrongly, whoever shows it, and whoever comes and goes meanwhile.
contract FaultsInvariantTest is Probe {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint32 private constant HONEST = 1;
    uint32 private constant LIAR = 2;

    FaultyHandler private _handler;
    ITallystick private _tally;
    IStaking private _registry;

    function setUp() public {
        _handler = FaultyHandler(_deploy("Faults.invariant.t.sol:FaultyHandler", ""));
        _tally = _handler.tally();
        _registry = IStaking(address(_handler.registry()));
    }

    /// @dev Read by the runner.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Read by the runner.
    function targetSelectors() external view returns (FuzzSelector[] memory selectors) {
        string[24] memory names = _names();
        selectors = new FuzzSelector[](1);
        selectors[0].addr = address(_handler);
        selectors[0].selectors = new bytes4[](names.length);
        for (uint256 i = 0; i < names.length; ++i) selectors[0].selectors[i] = _selectorOf(names[i]);
    }

    /// Dollars held are what buyers have free, deals have left, providers have earned, and disputes hold.
    function invariant_Solvency() public view {
        uint256 owed = _tally.disputed();
        for (uint256 i = 0; i < _handler.BUYERS(); ++i) {
            (uint64 free, , ) = _tally.account(_handler.buyer(i));
            owed += free;
        }
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) if (!jobs[i].closed) owed += _tally.deal(jobs[i].id).remaining;
        for (uint32 provider = HONEST; provider <= LIAR; ++provider) owed += _earnedBy(provider);
        vm.assertEq(_handler.dollar().balanceOf(address(_tally)), owed, "dollars held are what is owed");
    }

    /// I1. Every stake token is of a side, a pool, a bond, the vault or the rewards.
    function invariant_EveryTokenIsSomebodys() public view {
        IRegistry.BondView memory bond = _registry.bondOf(_handler.member());
        IPools.EmissionView memory rewards = _registry.emission();
        uint256 sum = uint256(_registry.sideOf(HONEST).tokens) + _registry.sideOf(LIAR).tokens;
        sum += uint256(_registry.poolOf(LIAR).tokens) + bond.stake + bond.thawing;
        sum += _handler.waiting() + rewards.reserve + rewards.emitted;
        vm.assertEq(_handler.stakeToken().balanceOf(address(_registry)), sum, "stake tokens");
    }

    /// I2. Liens are within the stake, own and delegated.
    function invariant_LiensAreWithinTheStake() public view {
        for (uint32 provider = HONEST; provider <= LIAR; ++provider) {
            IRegistry.SideView memory side = _registry.sideOf(provider);
            IPools.PoolView memory pool = _registry.poolOf(provider);
            vm.assertLe(side.blocked - side.thawing, side.shares, "liens");
            vm.assertLe(side.disputed, side.blocked, "disputed");
            vm.assertLe(pool.disputed, pool.shares, "disputed of the pool");
        }
    }

    /// I3. What answered for something signed answers for it for 7 days; each slash takes what it should.
    function invariant_NobodyEscapes() public view {
        vm.assertEq(_handler.fled(), 0, "fled");
        vm.assertEq(_handler.escaped(), 0, "escaped");
    }

    /// I4. A subject is punished once.
    function invariant_PunishedOnce() public view {
        vm.assertEq(_handler.doubled(), 0, "punished again");
    }

    /// I5. A provider, its friend who reports it and its buyer never have more than they had.
    function invariant_SelfReportsNeverPay() public view {
        vm.assertLe(_handler.familyWealth(), _handler.given(), "wealth of the family");
    }

    /// I6. Who plays honestly, on either side, has no less than it began with, and is not slashed.
    function invariant_HonestPlayersLoseNothing() public view {
        vm.assertGe(_handler.wealthOf(_handler.CHALLENGER()), _handler.FUNDS(), "challenger");
        vm.assertGe(_handler.wealthOf(_handler.players()[2]), _handler.FUNDS(), "asserter");
        IRegistry.SideView memory side = _registry.sideOf(HONEST);
        vm.assertEq(side.tokens, side.shares, "stake");
        vm.assertEq(_handler.unjust(), 0, "judgement");
    }

    /// I7. Honest work is paid exactly once.
    function invariant_HonestWorkIsPaidOnce() public view {
        uint256 sum = _handler.claimed(0) + _earnedBy(HONEST) + _handler.disputedOf(0);
        vm.assertEq(sum, _handler.honestWork(), "claimed, earned and disputed");
    }

    /// I8. A game ends within its moves and both clocks.
    function invariant_GamesEnd() public view {
        vm.assertEq(_handler.overlong(), 0, "overlong");
    }

    /// I9. A share is worth less by slashes only.
    function invariant_PricesFallBySlashesOnly() public view {
        vm.assertEq(_handler.wrongPrices(), 0, "prices");
    }

    /// I10. Providers have what their deals paid, and no deal pays more than its budget.
    function invariant_PaidIsWithinBudgets() public view {
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            vm.assertLe(_tally.deal(jobs[i].id).remaining, _tally.deal(jobs[i].id).budget, "remaining");
        }
        for (uint32 provider = HONEST; provider <= LIAR; ++provider) {
            uint256 sum = _handler.claimed(provider - 1) + _earnedBy(provider) + _handler.disputedOf(provider - 1);
            vm.assertEq(sum, _handler.earned(provider - 1), "what deals paid");
        }
    }

    /// A long walk through every act there is: each does what it is for, nearly every time.
    function test_LongWalkReachesEverything() public {
        string[24] memory names = _names();
        for (uint256 i = 0; i < 8 * names.length; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            // a second argument is an amount or a boolean
            (bool ok, ) = address(_handler).call(
                abi.encodePacked(_selectorOf(names[i % names.length]), seed, seed % 2)
            );
            vm.assertTrue(ok, names[i % names.length]);
        }
        vm.assertLe(_handler.refused() * 20, _handler.calls(), "calls that were refused");
        vm.assertLe(_handler.idle() * 20, _handler.calls(), "calls that did nothing");
        for (uint256 i = 0; i < names.length; ++i) vm.assertGe(_handler.done(names[i]), 6, names[i]);
        invariant_Solvency();
        invariant_EveryTokenIsSomebodys();
        invariant_PaidIsWithinBudgets();
    }

    function _earnedBy(uint32 provider) private view returns (uint256) {
        IEarnings.EarningsView memory earned = _tally.earnings(provider);
        return uint256(earned.unmatured) + earned.claimable;
    }

    function _names() private pure returns (string[24] memory) {
        return
            [
                "settle",
                "challenge",
                "move",
                "pass",
                "equivocate",
                "overclaim",
                "billTwice",
                "noShow",
                "close",
                "voidStream",
                "demand",
                "claim",
                "withdraw",
                "collectBonds",
                "stake",
                "thaw",
                "withdrawStake",
                "delegate",
                "undelegate",
                "withdrawDelegation",
                "bond",
                "slashBond",
                "payOut",
                "returnCase"
            ];
    }

    function _selectorOf(string memory name) private pure returns (bytes4) {
        bytes32 hash = keccak256(bytes(name));
        string memory tail = "(uint256)";
        if (hash == keccak256("challenge")) tail = "(uint256,bool)";
        bool isTwo = hash == keccak256("delegate") || hash == keccak256("undelegate");
        if (isTwo) tail = "(uint256,uint256)";
        return bytes4(keccak256(abi.encodePacked(name, tail)));
    }
}
