// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Purse} from "../../../contracts/types/Purse.sol";
import {Terms} from "../../../contracts/types/Terms.sol";
import {Wheel} from "../../../contracts/types/Wheel.sol";
import {Probe} from "./Probe.sol";

/// @notice Reads the settlement's words where they stand, see test/snapshots/Settlement.json.
abstract contract Slots is Probe {
    uint256 private constant DEALS = 8;
    uint256 private constant LIVE_PAGES = 15;
    uint256 private constant WHEELS = 16;
    uint256 private constant ROOMS = 18;

    function _dealOf(address tally, uint256 id) internal view returns (bytes32 key, Terms terms, Purse purse) {
        uint256 slot = uint256(_mapped(id, DEALS));
        key = vm.load(tally, bytes32(slot));
        terms = Terms.wrap(uint256(vm.load(tally, bytes32(slot + 1))));
        purse = Purse.wrap(uint256(vm.load(tally, bytes32(slot + 2))));
    }

    function _liveRows(address tally, uint256 page) internal view returns (uint256) {
        return uint256(vm.load(tally, _mapped(page, LIVE_PAGES)));
    }

    function _wheelOf(address tally, uint256 provider) internal view returns (Wheel) {
        return Wheel.wrap(uint256(vm.load(tally, _mapped(provider, WHEELS))));
    }

    /// @dev The word of rooms that a provider's stands in.
    function _roomsOf(address tally, uint256 provider) internal view returns (uint256) {
        return uint256(vm.load(tally, _mapped(provider / 4, ROOMS)));
    }

    function _mapped(uint256 key, uint256 slot) private pure returns (bytes32) {
        return keccak256(abi.encode(key, slot));
    }
}
