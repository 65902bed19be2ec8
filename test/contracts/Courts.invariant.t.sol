// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {CourtHandler} from "./support/CourtHandler.sol";
import {Probe} from "./support/Probe.sol";

/// @notice The handler, under a name that the runner finds here.
contract QuarrellingHandler is CourtHandler {}

/// @notice What holds whoever challenges whom.
contract CourtsInvariantTest is Probe {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    QuarrellingHandler private _handler;
    uint256 private _stake;

    function setUp() public {
        _handler = QuarrellingHandler(_deploy("Courts.invariant.t.sol:QuarrellingHandler", ""));
        _stake = _stakeOf(1);
    }

    /// @dev Read by the runner.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Read by the runner.
    function targetSelectors() external view returns (FuzzSelector[] memory selectors) {
        selectors = new FuzzSelector[](1);
        selectors[0].addr = address(_handler);
        selectors[0].selectors = new bytes4[](4);
        selectors[0].selectors[0] = CourtHandler.settle.selector;
        selectors[0].selectors[1] = CourtHandler.challenge.selector;
        selectors[0].selectors[2] = CourtHandler.move.selector;
        selectors[0].selectors[3] = CourtHandler.pass.selector;
    }

    /// Tokens held are open bonds and what accounts are owed.
    function invariant_DisputesHoldBondsAndDebts() public view {
        uint256 owed = _handler.bound() + _handler.disputes().owed(address(0xdEaD));
        address[6] memory players = _handler.players();
        for (uint256 i = 0; i < 6; ++i) {
            bool again = false;
            for (uint256 j = 0; j < i; ++j) again = again || players[j] == players[i];
            if (!again) owed += _handler.disputes().owed(players[i]);
        }
        vm.assertEq(_handler.dollar().balanceOf(address(_handler.disputes())), owed, "bonds and debts");
    }

    /// The settlement holds in disputes what open claims are about, and nothing else.
    function invariant_DisputedMoneyIsOfOpenClaims() public view {
        vm.assertEq(uint256(_handler.tally().disputed()), _handler.inDispute(), "disputed");
    }

    /// Who plays honestly, on either side, has no less than it began with, and is never slashed.
    function invariant_HonestPlayersLoseNothing() public view {
        vm.assertGe(_handler.wealthOf(_handler.CHALLENGER()), _handler.FUNDS(), "challenger");
        vm.assertGe(_handler.wealthOf(_handler.players()[2]), _handler.FUNDS(), "asserter");
        vm.assertGe(_stakeOf(1), _stake, "stake");
        vm.assertEq(_handler.unjust(), 0, "judgement");
    }

    /// A game ends within both clocks.
    function invariant_GamesEnd() public view {
        vm.assertEq(_handler.overlong(), 0, "overlong");
    }

    function _stakeOf(uint32 provider) private view returns (uint256) {
        IRegistry.SideView memory side = _handler.registry().sideOf(provider);
        return side.tokens;
    }
}
