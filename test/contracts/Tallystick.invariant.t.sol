// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../contracts/interfaces/IDeals.sol";
import {IEarnings} from "../../contracts/interfaces/IEarnings.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ITallystick} from "../../contracts/interfaces/ITallystick.sol";
import {Handler} from "./support/Handler.sol";
import {Market} from "./support/Market.sol";
import {Probe} from "./support/Probe.sol";

/// @notice The handler, under a name that the runner finds here.
contract TallystickHandler is Handler {}

/// @notice Random calls, to the handler only.
abstract contract RandomCalls is Probe {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    TallystickHandler internal _handler;
    ITallystick internal _tally;

    function setUp() public {
        _handler = TallystickHandler(_deploy("Tallystick.invariant.t.sol:TallystickHandler", ""));
        _tally = _handler.tally();
    }

    /// @dev Read by the runner.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Read by the runner: everybody leaves only at the end.
    function targetSelectors() external view returns (FuzzSelector[] memory selectors) {
        string[34] memory names = _names();
        selectors = new FuzzSelector[](1);
        selectors[0].addr = address(_handler);
        selectors[0].selectors = new bytes4[](names.length);
        for (uint256 i = 0; i < names.length; ++i) selectors[0].selectors[i] = _handler.selectorOf(names[i]);
    }

    function _names() internal pure returns (string[34] memory) {
        return
            [
                "deposit",
                "depositWithPermit",
                "depositWithAuthorization",
                "depositWithPermit2",
                "withdraw",
                "donate",
                "openDeal",
                "openDealWithPermit",
                "topUp",
                "stop",
                "close",
                "recycle",
                "changeKeys",
                "acknowledge",
                "cancelOffers",
                "settleAcknowledged",
                "settleAttested",
                "settleForced",
                "settleUncovered",
                "claim",
                "claimFees",
                "refreshCover",
                "join",
                "stake",
                "thaw",
                "withdrawStake",
                "registerWorkers",
                "revokeWorker",
                "setOperator",
                "changePayout",
                "setParameters",
                "setTreasuries",
                "pauseAndWait",
                "setMembers"
            ];
    }
}

/// @notice What holds after any valid calls in any order.
contract TallystickInvariantTest is RandomCalls {
    /// Tokens held are what buyers have free, deals have left, providers have earned and fees wait for.
    function invariant_Solvency() public {
        uint256 owed = 0;
        for (uint256 i = 0; i < _handler.BUYERS(); ++i) {
            (uint64 free, , ) = _tally.account(_handler.buyer(i));
            owed += free;
        }
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) if (!jobs[i].closed) owed += _tally.deal(jobs[i].id).remaining;
        Market.Seller[] memory sellers = _handler.sellers();
        for (uint256 i = 0; i < sellers.length; ++i) {
            _tally.refreshCover(sellers[i].id); // rolls the wheel, so that due fees are counted
            IEarnings.EarningsView memory earned = _tally.earnings(sellers[i].id);
            owed += uint256(earned.unmatured) + earned.claimable;
        }
        (uint64 protocolFee, uint64 committeeFee) = _tally.fees();
        owed += uint256(protocolFee) + committeeFee;
        vm.assertEq(_tally.held(), owed, "held is what is owed");
        vm.assertGe(_handler.dollar().balanceOf(address(_tally)), owed, "tokens are there");
    }

    /// Every unit was paid once, at the deal's price, up to the budget.
    function invariant_EveryUnitIsPaidOnce() public view {
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (jobs[i].closed) continue;
            IDeals.DealView memory deal = _tally.deal(jobs[i].id);
            vm.assertEq(uint256(deal.budget) - deal.remaining, jobs[i].paid, "paid is price times units");
        }
    }

    /// A stream holds exactly the units that moved it, so it can only have grown.
    function invariant_StreamsOnlyGrow() public view {
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (jobs[i].recycled) continue;
            uint256 sum = 0;
            for (uint8 j = 0; j < jobs[i].streams; ++j) {
                (, uint48 units, ) = _tally.stream(jobs[i].id, j);
                sum += units;
            }
            vm.assertEq(sum, jobs[i].movedUnits, "units are those that moved");
        }
    }

    /// Money matures on its day and not before.
    function invariant_NothingLeavesBeforeItsWindow() public view {
        Market.Seller[] memory sellers = _handler.sellers();
        for (uint256 i = 0; i < sellers.length; ++i) {
            vm.assertEq(_tally.earnings(sellers[i].id).unmatured, _handler.immature(i), "unmatured");
        }
    }

    /// Providers, payouts and fees together got exactly what was credited.
    function invariant_CreditsAreConserved() public {
        Market.Seller[] memory sellers = _handler.sellers();
        uint256 sum = _handler.paidOut();
        uint256 credited = 0;
        for (uint256 i = 0; i < sellers.length; ++i) {
            _tally.refreshCover(sellers[i].id);
            IEarnings.EarningsView memory earned = _tally.earnings(sellers[i].id);
            sum += uint256(earned.unmatured) + earned.claimable;
            credited += _handler.credited(i);
        }
        (uint64 protocolFee, uint64 committeeFee) = _tally.fees();
        vm.assertEq(sum + protocolFee + committeeFee, credited, "credits");
    }

    /// No credit ever left a provider with more unmatured than its cover.
    function invariant_Coverage() public view {
        vm.assertEq(_handler.uncovered(), 0, "credits beyond the cover");
    }

    /// A live deal never pays past its exposure: what is left stays above its floor.
    function invariant_Exposure() public view {
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (jobs[i].closed) continue;
            IDeals.DealView memory deal = _tally.deal(jobs[i].id);
            vm.assertTrue(int256(uint256(deal.remaining)) >= deal.floor, "remaining is above the floor");
        }
    }

    /// Liens are the bonds of deals that are not closed, and stake always covers them.
    function invariant_LiensAreBonds() public view {
        Market.Seller[] memory sellers = _handler.sellers();
        Market.Job[] memory jobs = _handler.jobs();
        uint256 staked = 0;
        for (uint256 i = 0; i < sellers.length; ++i) {
            uint256 bonds = 0;
            for (uint256 j = 0; j < jobs.length; ++j) {
                if (!jobs[j].closed && jobs[j].provider == i) bonds += _tally.deal(jobs[j].id).bond;
            }
            IRegistry.ProviderView memory provider = _handler.registry().providerOf(sellers[i].id);
            vm.assertEq(provider.liens, bonds, "liens");
            vm.assertLe(provider.liens, provider.stake, "liens within stake");
            staked += uint256(provider.stake) + provider.thawing;
        }
        vm.assertGe(_handler.stakeToken().balanceOf(address(_handler.registry())), staked, "stake is there");
    }

    /// What a buyer has locked are the budgets of its deals that are not closed.
    function invariant_LockedAreBudgets() public view {
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < _handler.BUYERS(); ++i) {
            uint256 budgets = 0;
            for (uint256 j = 0; j < jobs.length; ++j) {
                if (!jobs[j].closed && jobs[j].buyer == i) budgets += _tally.deal(jobs[j].id).budget;
            }
            (, uint64 locked, ) = _tally.account(_handler.buyer(i));
            vm.assertEq(locked, budgets, "locked");
        }
    }
}

/// @notice Where any valid calls can lead, and that there is a way out of it.
contract TallystickReachTest is RandomCalls {
    /// Whatever happened, everybody can leave with everything; see {afterInvariant}.
    function invariant_EverybodyCanLeave() public view {
        vm.assertGe(_handler.calls(), _handler.idle(), "calls are counted");
    }

    /// @dev Called by the runner at the end of each sequence.
    function afterInvariant() external {
        _handler.leaveAll();
        vm.assertEq(_tally.held(), 0, "nothing is left in the settlement");
        Market.Seller[] memory sellers = _handler.sellers();
        for (uint256 i = 0; i < sellers.length; ++i) {
            IRegistry.ProviderView memory provider = _handler.registry().providerOf(sellers[i].id);
            vm.assertEq(uint256(provider.stake) + provider.thawing + provider.liens, 0, "nothing is left in stake");
        }
    }

    /// A long walk through every call there is: each does what it is for, nearly every time.
    function test_LongWalkReachesEverything() public {
        string[34] memory names = _names();
        for (uint256 i = 0; i < 10 * names.length; ++i) {
            (uint256 seed, uint256 other) = (uint256(keccak256(abi.encode(i))), uint256(keccak256(abi.encode(~i))));
            (bool ok, ) = address(_handler).call(
                abi.encodePacked(_handler.selectorOf(names[i % names.length]), seed, other)
            );
            vm.assertTrue(ok, names[i % names.length]);
        }
        for (uint256 i = 0; i < names.length; ++i) vm.assertGe(_handler.done(names[i]), 5, names[i]);
        vm.assertLe(_handler.idle() * 20, _handler.calls(), "calls that did nothing");
    }
}
