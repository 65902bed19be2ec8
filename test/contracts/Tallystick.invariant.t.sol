// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../contracts/interfaces/IDeals.sol";
import {IEarnings} from "../../contracts/interfaces/IEarnings.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ITallystick} from "../../contracts/interfaces/ITallystick.sol";
import {CodePages} from "../../contracts/libraries/CodePages.sol";
import {DealPages} from "../../contracts/libraries/DealPages.sol";
import {Purse} from "../../contracts/types/Purse.sol";
import {Terms} from "../../contracts/types/Terms.sol";
import {RoomLib, Wheel, WheelLib} from "../../contracts/types/Wheel.sol";
import {Handler} from "./support/Handler.sol";
import {Market} from "./support/Market.sol";
import {Slots} from "./support/Slots.sol";

/// @notice The handler, under a name that the runner finds here.
contract TallystickHandler is Handler {}

/// @notice Random calls, to the handler only.
abstract contract RandomCalls is Slots {
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
        string[35] memory names = _names();
        selectors = new FuzzSelector[](1);
        selectors[0].addr = address(_handler);
        selectors[0].selectors = new bytes4[](names.length);
        for (uint256 i = 0; i < names.length; ++i) selectors[0].selectors[i] = _handler.selectorOf(names[i]);
    }

    function _names() internal pure returns (string[35] memory) {
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
                "packDeals",
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
    /// Tokens held are what buyers have free, deals have left, providers have earned, fees wait for and people gave.
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
        vm.assertEq(_handler.dollar().balanceOf(address(_tally)), owed + _handler.donated(), "tokens are what is owed");
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

    /// A deal never pays for more units than its buyer exposed and acknowledged.
    function invariant_Exposure() public view {
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (jobs[i].closed) continue;
            IDeals.DealView memory deal = _tally.deal(jobs[i].id);
            vm.assertLe(
                deal.budget - deal.remaining,
                uint256(deal.price) * deal.allowance,
                "paid is within the allowance"
            );
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

    /// Whatever stands in pages, rooms and words, batches come to what the rules make of the plain views.
    function invariant_BatchesAreJudgedByTheRules() public view {
        vm.assertEq(_handler.misjudgedFacts(), _handler.expectedFacts(), "facts");
        vm.assertEq(_handler.misjudged(), 0, "misjudged");
    }

    /// A page's rows hold exactly for the deals that say they stand there, and state what the deals state.
    function invariant_RowsAreTheirDeals() public view {
        uint256 pages = vm.getNonce(address(_tally));
        uint256[] memory rows = new uint256[](pages);
        Market.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (jobs[i].recycled) continue;
            uint256 place = _tally.deal(jobs[i].id).place;
            if (place == 0) continue;
            rows[place / DealPages.ROWS] |= 1 << (place % DealPages.ROWS);
            _checkRow(jobs[i].id, place);
        }
        for (uint256 page = 0; page < pages; ++page)
            vm.assertEq(_liveRows(address(_tally), page), rows[page], "live rows");
    }

    /// A room holds for the day of its wheel, and while its wheel says that one was issued: it has no more than it had.
    function invariant_RoomsAreOfTheirWheelsDay() public view {
        Market.Seller[] memory sellers = _handler.sellers();
        for (uint256 i = 0; i < sellers.length; ++i) {
            Wheel wheel = _wheelOf(address(_tally), sellers[i].id);
            uint256 rooms = _roomsOf(address(_tally), sellers[i].id);
            bool issued = wheel.has(WheelLib.ISSUED);
            vm.assertTrue(RoomLib.isOf(rooms, sellers[i].id, wheel.day()) == issued, "room of the day");
            if (!issued) continue;
            vm.assertTrue(!wheel.has(WheelLib.REVOCATIONS), "no room with a revoked worker");
            vm.assertLe(RoomLib.left(rooms, sellers[i].id, wheel.day()), RoomLib.whole(wheel), "left of the room");
        }
    }

    /// Cover changes when it is set and at no other time: what is unmatured takes room, what matures gives it back.
    function invariant_CoverIsRoomAndUnmatured() public view {
        Market.Seller[] memory sellers = _handler.sellers();
        for (uint256 i = 0; i < sellers.length; ++i) {
            vm.assertEq(_tally.earnings(sellers[i].id).cover, _handler.covers(sellers[i].id), "cover");
        }
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

    function _checkRow(uint256 id, uint256 place) private view {
        (bytes32 key, Terms terms, Purse purse) = _dealOf(address(_tally), id);
        address page = CodePages.addressOf(address(_tally), place / DealPages.ROWS);
        (uint256 at_, uint256 size, ) = CodePages.load(page, 0, 0);
        vm.assertLe(80 * ((place % DealPages.ROWS) + 1), size, "row is there");
        (bytes32 rowKey, Terms rowTerms, Purse rowPurse) = DealPages.read(at_, place % DealPages.ROWS);
        vm.assertEq(rowKey, key, "key");
        vm.assertEq(Terms.unwrap(rowTerms), Terms.unwrap(terms), "terms");
        vm.assertEq(rowPurse.budget(), purse.budget(), "budget");
        vm.assertLe(rowPurse.allowance(), purse.allowance(), "allowance");
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
        uint256 left = _handler.dollar().balanceOf(address(_tally));
        vm.assertEq(left, _handler.donated(), "nothing is left in the settlement");
        Market.Seller[] memory sellers = _handler.sellers();
        for (uint256 i = 0; i < sellers.length; ++i) {
            IRegistry.ProviderView memory provider = _handler.registry().providerOf(sellers[i].id);
            vm.assertEq(uint256(provider.stake) + provider.thawing + provider.liens, 0, "nothing is left in stake");
        }
    }

    /// A long walk through every call there is: each does what it is for, nearly every time.
    function test_LongWalkReachesEverything() public {
        string[35] memory names = _names();
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
