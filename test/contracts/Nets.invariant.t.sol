// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEarnings} from "../../contracts/interfaces/IEarnings.sol";
import {ITallystick} from "../../contracts/interfaces/ITallystick.sol";
import {NetHandler} from "./support/NetHandler.sol";
import {Probe} from "./support/Probe.sol";

/// @notice The handler, under a name that the runner finds here.
contract ColludingHandler is NetHandler {}

/// @notice What holds whatever the committee signs.
contract NetsInvariantTest is Probe {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    ColludingHandler private _handler;
    ITallystick private _tally;

    function setUp() public {
        _handler = ColludingHandler(_deploy("Nets.invariant.t.sol:ColludingHandler", ""));
        _tally = _handler.tally();
    }

    /// @dev Read by the runner.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Read by the runner.
    function targetSelectors() external view returns (FuzzSelector[] memory selectors) {
        string[11] memory names = _names();
        selectors = new FuzzSelector[](1);
        selectors[0].addr = address(_handler);
        selectors[0].selectors = new bytes4[](names.length);
        for (uint256 i = 0; i < names.length; ++i) selectors[0].selectors[i] = _selectorOf(names[i]);
    }

    /// Tokens held are what buyers have free, plain and netted deals have left, providers have earned and fees wait for.
    function invariant_Solvency() public {
        uint256 owed = 0;
        for (uint256 i = 0; i < _handler.BUYERS(); ++i) {
            (uint64 free, , ) = _tally.account(_handler.buyer(i));
            (, , , uint64 netted) = _tally.netBuyer(_handler.buyer(i));
            owed += uint256(free) + netted;
        }
        NetHandler.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < jobs.length; ++i) {
            if (!jobs[i].closed && !jobs[i].netted) owed += _tally.deal(jobs[i].id).remaining;
        }
        for (uint32 provider = 1; provider <= _handler.PROVIDERS(); ++provider) {
            _tally.refreshCover(provider); // rolls the wheel, so that due fees are counted
            IEarnings.EarningsView memory earned = _tally.earnings(provider);
            owed += uint256(earned.unmatured) + earned.claimable;
        }
        (uint64 protocolFee, uint64 committeeFee) = _tally.fees();
        owed += uint256(protocolFee) + committeeFee;
        vm.assertEq(_handler.dollar().balanceOf(address(_tally)), owed, "tokens held are what is owed");
    }

    /// A buyer's netted money is never more than the budgets it comes from, which are part of what it has locked.
    function invariant_NettedIsWithinBudgets() public view {
        NetHandler.Job[] memory jobs = _handler.jobs();
        for (uint256 i = 0; i < _handler.BUYERS(); ++i) {
            uint256 all = 0;
            uint256 netted = 0;
            uint256 count = 0;
            for (uint256 j = 0; j < jobs.length; ++j) {
                if (jobs[j].closed || jobs[j].buyer != i) continue;
                all += jobs[j].budget;
                if (!jobs[j].netted) continue;
                netted += jobs[j].budget;
                ++count;
            }
            (, uint64 locked, ) = _tally.account(_handler.buyer(i));
            (, uint32 deals, uint64 budgets, uint64 left) = _tally.netBuyer(_handler.buyer(i));
            vm.assertEq(locked, all, "locked are the budgets");
            vm.assertEq(deals, count, "netted deals");
            vm.assertEq(budgets, netted, "netted budgets");
            vm.assertLe(left, budgets, "netted money");
        }
    }

    /// No batch takes what is not there.
    function invariant_NothingIsOverdrawn() public view {
        vm.assertEq(_handler.overdrawn(), 0, "overdrawn");
    }

    /// A long walk through every act there is: each does what it is for often enough.
    function test_LongWalkReachesEverything() public {
        string[11] memory names = _names();
        for (uint256 i = 0; i < 40 * names.length; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            (bool ok, ) = address(_handler).call(abi.encodePacked(_selectorOf(names[i % names.length]), seed));
            vm.assertTrue(ok, names[i % names.length]);
            if (i % 10 == 0) invariant_Solvency();
        }
        invariant_NettedIsWithinBudgets();
        invariant_NothingIsOverdrawn();
        string[12] memory acts = [
            "open",
            "takeNets",
            "misstate",
            "hide",
            "overdraw",
            "force",
            "closeNet",
            "closeUnproven",
            "claim",
            "withdraw",
            "changeBonds",
            "wait"
        ];
        for (uint256 i = 0; i < acts.length; ++i) vm.assertGe(_handler.done(acts[i]), 2, acts[i]);
    }

    function _names() private pure returns (string[11] memory) {
        return
            [
                "open",
                "takeNets",
                "misstate",
                "hide",
                "overdraw",
                "force",
                "close",
                "claim",
                "withdraw",
                "changeBonds",
                "wait"
            ];
    }

    function _selectorOf(string memory name) private pure returns (bytes4) {
        return bytes4(keccak256(abi.encodePacked(name, "(uint256)")));
    }
}
